//! The tables of what nodes tell one another.
diesel::table! {
    watermark (id) {
        id -> BigInt,
        sequence -> BigInt,
    }
}

diesel::table! {
    feed (sequence) {
        sequence -> BigInt,
        mark -> BigInt,
        licences -> Text,
        traces -> Text,
    }
}
