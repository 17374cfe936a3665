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
