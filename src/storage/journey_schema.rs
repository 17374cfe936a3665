//! The tables of consignments on their way, as the migrations leave them.

diesel::table! {
    consignment_event (id) {
        id -> BigInt,
        ucr -> Text,
        kind -> Text,
        state -> Text,
        border_post -> Nullable<Text>,
        movement -> Nullable<Text>,
        outcome -> Nullable<Text>,
        reference -> Nullable<Text>,
        subject -> Binary,
        states -> Text,
        carrier -> Nullable<Text>,
        detail -> Text,
        happened_us -> BigInt,
        at_us -> BigInt,
        log_id -> BigInt,
        log_index -> BigInt,
    }
}

diesel::table! {
    crossing (id) {
        id -> Binary,
        direction -> Text,
        state -> Text,
        border_post -> Text,
        ucr -> Nullable<Text>,
        release_id -> Nullable<Binary>,
        vehicle -> Nullable<Text>,
        seals -> Text,
        happened_us -> BigInt,
        caller -> Text,
        at_us -> BigInt,
    }
}

diesel::table! {
    receipt (row) {
        row -> BigInt,
        id -> Binary,
        release_id -> Binary,
        exporting_state -> Text,
        importing_state -> Text,
        border_post -> Text,
        ucr -> Nullable<Text>,
        reference -> Text,
        status -> Text,
        result -> Text,
        version -> BigInt,
        tally -> Text,
        left_us -> Nullable<BigInt>,
        due_us -> Nullable<BigInt>,
        escalation -> BigInt,
        released_us -> BigInt,
    }
}

diesel::table! {
    receipt_step (receipt_id, version) {
        receipt_id -> Binary,
        version -> BigInt,
        step -> Text,
        state -> Text,
        result -> Text,
        document -> Nullable<Text>,
        note -> Nullable<Text>,
        actor -> Text,
        at_us -> BigInt,
        log_id -> BigInt,
        log_index -> BigInt,
    }
}

diesel::table! {
    arrival (id) {
        id -> Binary,
        state -> Text,
        border_post -> Text,
        ucr -> Nullable<Text>,
        reference -> Nullable<Text>,
        request -> Text,
        result -> Text,
        happened_us -> BigInt,
        caller -> Text,
        at_us -> BigInt,
    }
}

diesel::table! {
    licence_serial (row) {
        row -> BigInt,
        serial -> Text,
        make -> Text,
        model -> Text,
        country -> Text,
        licence_id -> BigInt,
        line -> BigInt,
    }
}

diesel::table! {
    serial_event (row) {
        row -> BigInt,
        serial -> Text,
        folded -> Text,
        make -> Text,
        model -> Text,
        country -> Text,
        kind -> Text,
        state -> Text,
        border_post -> Nullable<Text>,
        subject -> Binary,
        states -> Text,
        reference -> Nullable<Text>,
        happened_us -> BigInt,
        at_us -> BigInt,
    }
}

diesel::table! {
    goods_return (release_id) {
        release_id -> Binary,
        outward -> Text,
        state -> Text,
    }
}

diesel::table! {
    stoppage (alert_id) {
        alert_id -> Binary,
        state -> Text,
        reference_kind -> Text,
        reference -> Text,
        ucr -> Nullable<Text>,
        severity -> Text,
        at_us -> BigInt,
        lifted_us -> Nullable<BigInt>,
    }
}

diesel::table! {
    release_cover (release_id, licence, line, unit) {
        release_id -> Binary,
        licence -> Text,
        line -> BigInt,
        unit -> Text,
        quantity -> BigInt,
    }
}

diesel::table! {
    cover (licence, line, unit) {
        licence -> Text,
        line -> BigInt,
        unit -> Text,
        quantity -> BigInt,
    }
}
