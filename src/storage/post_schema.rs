//! The tables of posts that may be cut off, as the migrations leave them.

diesel::table! {
    allowance (number) {
        number -> BigInt,
        id -> Binary,
        border_post -> Text,
        state -> Text,
        licence_id -> BigInt,
        licence -> Text,
        status -> Text,
        log -> Nullable<Text>,
        reason -> Nullable<Text>,
        actor -> Text,
        at_us -> BigInt,
        changed_us -> BigInt,
    }
}

diesel::table! {
    allowance_line (allowance_id, line) {
        allowance_id -> Binary,
        line -> BigInt,
        quantity -> BigInt,
        drawn -> BigInt,
    }
}

diesel::table! {
    allowance_serial (row) {
        row -> BigInt,
        allowance_id -> Binary,
        border_post -> Text,
        log -> Nullable<Text>,
        licence -> Text,
        line -> BigInt,
        serial -> Text,
    }
}

diesel::table! {
    post_log (log) {
        log -> Text,
        verifier_key -> Text,
        border_post -> Text,
        state -> Text,
        log_id -> Nullable<BigInt>,
        joined -> BigInt,
        snapshot -> Binary,
        expires_us -> BigInt,
        changed_us -> BigInt,
    }
}

diesel::table! {
    cut_off (id) {
        id -> BigInt,
        body -> Text,
    }
}

diesel::table! {
    cut_off_reference (row) {
        row -> BigInt,
        kind -> Text,
        reference -> Text,
        body -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(allowance, allowance_line);
