//! The tables, as the migrations leave them.
#![expect(missing_docs, reason = "the migrations say what each table and column is")]

diesel::table! {
    licence (id) {
        id -> BigInt,
        number -> Text,
        issuing_state -> Text,
        country_of_export -> Text,
        country_of_import -> Text,
        status -> Text,
        version -> BigInt,
        shipments -> BigInt,
        body -> Text,
        document_version -> BigInt,
    }
}

diesel::table! {
    licence_line (licence_id, line) {
        licence_id -> BigInt,
        line -> BigInt,
        authorised -> BigInt,
        reserved -> BigInt,
        consumed -> BigInt,
    }
}

diesel::table! {
    licence_version (licence_id, version) {
        licence_id -> BigInt,
        version -> BigInt,
        status -> Text,
        change -> Text,
        reason -> Nullable<Text>,
        body -> Nullable<Text>,
        actor -> Text,
        at_us -> BigInt,
    }
}

diesel::table! {
    ledger (id) {
        id -> BigInt,
        licence_id -> BigInt,
        line -> BigInt,
        kind -> Text,
        authorised -> BigInt,
        reserved -> BigInt,
        consumed -> BigInt,
        consumed_change -> BigInt,
        release_id -> Nullable<Binary>,
        at_us -> BigInt,
        reserved_change -> BigInt,
        preclearance_id -> Nullable<Binary>,
        allowance_id -> Nullable<Binary>,
    }
}

diesel::table! {
    verification (entry) {
        entry -> BigInt,
        id -> Binary,
        state -> Text,
        border_post -> Text,
        outcome -> Text,
        caller -> Text,
        record -> Binary,
        at_us -> BigInt,
    }
}

diesel::table! {
    preclearance (number) {
        number -> BigInt,
        id -> Binary,
        code -> Text,
        issuer -> Text,
        operator -> Text,
        state -> Text,
        border_post -> Text,
        status -> Text,
        reservation -> Text,
        missed -> BigInt,
        kept -> Text,
        lodged_us -> BigInt,
        expires_us -> BigInt,
        due_us -> Nullable<BigInt>,
        changed_us -> BigInt,
        release_id -> Nullable<Binary>,
    }
}

diesel::table! {
    announced (preclearance_id) {
        preclearance_id -> Binary,
        reference_kind -> Text,
        reference -> Text,
        content_sha256 -> Binary,
        ucr -> Nullable<Text>,
    }
}

diesel::table! {
    preclearance_draw (preclearance_id, licence_id, line) {
        preclearance_id -> Binary,
        licence_id -> BigInt,
        line -> BigInt,
        reserved -> BigInt,
    }
}

diesel::table! {
    presentation (verification_id) {
        verification_id -> Binary,
        preclearance_id -> Binary,
    }
}

diesel::table! {
    release (id) {
        id -> Binary,
        verification_id -> Binary,
        state -> Text,
        border_post -> Text,
        status -> Text,
        version -> BigInt,
        reference_kind -> Text,
        reference -> Text,
        content_sha256 -> Binary,
        declaration -> Text,
        items -> Text,
        outward -> Text,
        states -> Text,
        caller -> Text,
        at_us -> BigInt,
    }
}

diesel::table! {
    release_draw (release_id, item, licence_id, line) {
        release_id -> Binary,
        item -> BigInt,
        licence_id -> BigInt,
        line -> BigInt,
        drawn -> BigInt,
    }
}

diesel::table! {
    serial_use (id) {
        id -> BigInt,
        serial -> Text,
        folded -> Text,
        make -> Text,
        model -> Text,
        country -> Text,
        state -> Text,
        movement -> Text,
        licence -> Text,
        line -> BigInt,
        release_id -> Binary,
        item -> BigInt,
        settled_by -> Nullable<Binary>,
    }
}

diesel::table! {
    idempotency (id) {
        id -> BigInt,
        place -> BigInt,
        digest -> Binary,
        request_sha256 -> Binary,
        outcome -> Text,
        reply -> Text,
        at_us -> BigInt,
    }
}

diesel::table! {
    lists (id) {
        id -> BigInt,
        edition -> Text,
        body -> Text,
        actor -> Text,
        at_us -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    release,
    release_draw,
    serial_use,
    licence,
    licence_line
);

diesel::table! {
    log (id) {
        id -> BigInt,
        origin -> Text,
        verifier_key -> Text,
        size -> BigInt,
        owner -> Text,
        gap -> Nullable<Text>,
        opened_us -> BigInt,
    }
}

diesel::table! {
    log_entry (entry) {
        entry -> BigInt,
        body -> Binary,
    }
}

diesel::table! {
    log_tile (log_id, level, tile) {
        log_id -> BigInt,
        level -> BigInt,
        tile -> BigInt,
        hashes -> Binary,
    }
}

diesel::table! {
    checkpoint (log_id, size) {
        log_id -> BigInt,
        size -> BigInt,
        note -> Text,
    }
}

diesel::table! {
    webhook (id) {
        id -> Binary,
        state -> Text,
        url -> Text,
        events -> Text,
        description -> Nullable<Text>,
        status -> Text,
        reason -> Nullable<Text>,
        version -> BigInt,
        actor -> Text,
        created_us -> BigInt,
        changed_us -> BigInt,
    }
}

diesel::table! {
    webhook_key (public_key) {
        public_key -> Text,
        node -> Text,
        from_us -> BigInt,
        until_us -> Nullable<BigInt>,
    }
}

diesel::table! {
    outbox (id) {
        id -> BigInt,
        webhook_id -> Binary,
        event_id -> Binary,
        kind -> Text,
        ordering_key -> Text,
        body -> Text,
        at_us -> BigInt,
        queued_us -> BigInt,
        status -> Text,
        attempts -> BigInt,
        next_us -> BigInt,
        lease_us -> BigInt,
        lease_by -> Text,
        answer -> Nullable<Text>,
        ended_us -> Nullable<BigInt>,
    }
}

diesel::table! {
    alert (id) {
        id -> Binary,
        state -> Text,
        addressee -> Text,
        border_post -> Nullable<Text>,
        kind -> Text,
        severity -> Text,
        about -> Text,
        ucr -> Nullable<Text>,
        codes -> Text,
        message -> Nullable<Text>,
        status -> Text,
        outcome -> Nullable<Text>,
        raised_us -> BigInt,
        log_id -> BigInt,
        log_index -> BigInt,
        subject -> Nullable<Binary>,
    }
}

diesel::table! {
    alert_event (log_id, log_index) {
        log_id -> BigInt,
        log_index -> BigInt,
        alert_id -> Binary,
        change -> Text,
        outcome -> Nullable<Text>,
        note -> Nullable<Text>,
        actor -> Nullable<Text>,
        at_us -> BigInt,
    }
}

diesel::table! {
    deadline (kind, subject) {
        kind -> Text,
        subject -> Text,
        due_us -> BigInt,
        status -> Text,
        step -> BigInt,
        state -> Text,
        border_post -> Nullable<Text>,
        profile -> Text,
        about -> Text,
        from_us -> BigInt,
        changed_us -> BigInt,
    }
}

diesel::joinable!(alert_event -> alert (alert_id));
diesel::allow_tables_to_appear_in_same_query!(alert, alert_event);
diesel::table! {
    release_override (release_id) {
        release_id -> Binary,
        reason -> Text,
        codes -> Text,
        caller -> Text,
        due_us -> BigInt,
        beyond -> Text,
        confirmed_by -> Nullable<Text>,
        confirmed_us -> Nullable<BigInt>,
    }
}

diesel::table! {
    release_version (release_id, version) {
        release_id -> Binary,
        version -> BigInt,
        change -> Text,
        status -> Text,
        reason -> Nullable<Text>,
        declaration -> Nullable<Text>,
        draws -> Text,
        actor -> Text,
        at_us -> BigInt,
        log_id -> BigInt,
        log_index -> BigInt,
    }
}

diesel::joinable!(release_override -> release (release_id));
diesel::allow_tables_to_appear_in_same_query!(release_override, release);
diesel::joinable!(preclearance_draw -> licence (licence_id));
diesel::allow_tables_to_appear_in_same_query!(preclearance_draw, licence);
diesel::allow_tables_to_appear_in_same_query!(announced, preclearance, preclearance_draw);

diesel::table! {
    archive (log_id, first_index) {
        log_id -> BigInt,
        first_index -> BigInt,
        upto_index -> BigInt,
        sha256 -> Binary,
        file -> Text,
        at_us -> BigInt,
    }
}

diesel::table! {
    credential (id) {
        id -> BigInt,
        licence_id -> BigInt,
        version -> BigInt,
        actor -> Text,
        at_us -> BigInt,
    }
}

diesel::table! {
    licence_entry (licence_id, version) {
        licence_id -> BigInt,
        version -> BigInt,
        log_id -> BigInt,
        log_index -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(lists, log);
diesel::joinable!(credential -> licence (licence_id));
diesel::joinable!(licence_entry -> licence (licence_id));
diesel::allow_tables_to_appear_in_same_query!(credential, licence, licence_version);
diesel::allow_tables_to_appear_in_same_query!(licence_entry, licence);
