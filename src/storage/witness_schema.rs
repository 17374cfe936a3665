//! The tables of witnesses, as the migrations leave them.

diesel::table! {
    witnessed (origin) {
        origin -> Text,
        size -> BigInt,
        note -> Text,
        at_us -> BigInt,
    }
}

diesel::table! {
    cosignature (log_id, size, witness) {
        log_id -> BigInt,
        size -> BigInt,
        witness -> Text,
        line -> Text,
        at_us -> BigInt,
    }
}
