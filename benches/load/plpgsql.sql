-- Verify and record as one function in the database: what one would write who keeps everything in
-- PostgreSQL. It checks what decides the declarations of the load generator, not the whole catalogue.
DROP TABLE IF EXISTS pl_audit, pl_verification, pl_line, pl_licence, pl_body;
CREATE TABLE pl_licence (
    number text PRIMARY KEY, kind text NOT NULL, status text NOT NULL, version int NOT NULL,
    issued_on date NOT NULL, valid_from date NOT NULL, valid_until date NOT NULL,
    country_of_export text NOT NULL, country_of_import text NOT NULL,
    exporter text NOT NULL, consignee text NOT NULL, final_recipient text NOT NULL,
    border_posts text[] NOT NULL, linked text[] NOT NULL
);
CREATE TABLE pl_line (
    number text NOT NULL REFERENCES pl_licence, line int NOT NULL, category text NOT NULL, hs text NOT NULL, calibre text,
    make text, model text, authorised numeric NOT NULL, reserved numeric NOT NULL DEFAULT 0,
    consumed numeric NOT NULL DEFAULT 0, unit text NOT NULL, serials text[] NOT NULL, PRIMARY KEY (number, line)
);
CREATE TABLE pl_verification (
    id uuid PRIMARY KEY, outcome text NOT NULL, declaration text NOT NULL, findings jsonb NOT NULL, at timestamptz NOT NULL
);
CREATE TABLE pl_audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, verification uuid NOT NULL, actor text NOT NULL,
    entry jsonb NOT NULL, at timestamptz NOT NULL
);
CREATE TABLE pl_body (n int PRIMARY KEY, body text NOT NULL);

CREATE OR REPLACE FUNCTION pl_import(d jsonb) RETURNS void LANGUAGE sql AS $$
    INSERT INTO pl_licence VALUES (
        d->>'number', d->>'kind', 'active', 1, (d->>'issued_on')::date, (d->>'valid_from')::date, (d->>'valid_until')::date,
        d->>'country_of_export', d->>'country_of_import', d#>>'{exporter,id}', d#>>'{consignee,id}', d#>>'{final_recipient,id}',
        ARRAY(SELECT jsonb_array_elements_text(d->'border_posts')), ARRAY(SELECT jsonb_array_elements_text(d->'linked_licences')));
    INSERT INTO pl_line (number, line, category, hs, calibre, make, model, authorised, unit, serials)
        SELECT d->>'number', (l->>'line')::int, l->>'category', l->>'hs', l->>'calibre', l->>'make', l->>'model',
            (l->>'quantity')::numeric, l->>'unit', ARRAY(SELECT jsonb_array_elements_text(coalesce(l->'serials', '[]')))
        FROM jsonb_array_elements(d->'lines') l;
$$;

CREATE OR REPLACE FUNCTION pl_verify(body text, actor text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    d jsonb := (body::jsonb)->'declaration';
    on_day date := (d->>'accepted_at')::timestamptz AT TIME ZONE 'Europe/Paris';
    findings text[] := '{}';
    blocks boolean;
    outcome text;
    verification uuid := gen_random_uuid();
BEGIN
    -- Per licence quoted.
    SELECT findings || coalesce(array_agg(f), '{}') INTO findings FROM (
        SELECT DISTINCT q->>'number' AS number FROM jsonb_array_elements(d->'items') i, jsonb_array_elements(i->'licences') q
    ) quoted LEFT JOIN pl_licence l USING (number), LATERAL unnest(ARRAY[
        CASE WHEN l.number IS NULL THEN 'b:LICENCE_NOT_FOUND' END,
        CASE WHEN l.status <> 'active' THEN 'b:LICENCE_STATUS' END,
        CASE WHEN on_day NOT BETWEEN l.valid_from AND l.valid_until OR l.issued_on > on_day THEN 'b:LICENCE_VALIDITY' END,
        CASE WHEN l.country_of_export <> d->>'country_of_export' OR l.country_of_import <> d->>'country_of_import' THEN 'b:COUNTRY' END,
        CASE WHEN l.exporter <> d#>>'{exporter,id}' THEN 'b:EXPORTER' END,
        CASE WHEN l.consignee <> d#>>'{consignee,id}' THEN 'r:CONSIGNEE' END,
        CASE WHEN l.final_recipient IS DISTINCT FROM d#>>'{final_recipient,id}' THEN 'r:FINAL_RECIPIENT' END,
        CASE WHEN NOT d->>'border_post' = ANY (l.border_posts) THEN 'b:BORDER_POST' END
    ]) f WHERE f IS NOT NULL;
    -- Per item and line quoted.
    SELECT findings || coalesce(array_agg(f), '{}') INTO findings
    FROM jsonb_array_elements(d->'items') i, jsonb_array_elements(i->'licences') q
    LEFT JOIN pl_line l ON l.number = q->>'number' AND l.line = (q->>'line')::int, LATERAL unnest(ARRAY[
        CASE WHEN l.number IS NULL THEN 'b:LINE_NOT_FOUND' END,
        CASE WHEN l.category <> i->>'category' THEN 'b:CATEGORY' END,
        CASE WHEN left(l.hs, 6) <> left(i->>'hs', 6) THEN 'r:TARIFF_CODE' END,
        CASE WHEN l.calibre IS NOT NULL AND upper(l.calibre) <> upper(i->>'calibre') THEN 'b:CALIBRE' END,
        CASE WHEN l.make IS NOT NULL AND upper(l.make) <> upper(i->>'make') THEN 'b:MAKE' END,
        CASE WHEN l.model IS NOT NULL AND upper(l.model) <> upper(i->>'model') THEN 'b:MODEL' END,
        CASE WHEN l.unit <> i->>'unit' THEN 'b:UNIT' END,
        CASE WHEN cardinality(l.serials) > 0 AND NOT ARRAY(SELECT jsonb_array_elements_text(i->'serials')) <@ l.serials THEN 'b:SERIAL' END
    ]) f WHERE f IS NOT NULL;
    -- What all items together take of a line.
    SELECT findings || coalesce(array_agg('b:QUANTITY'::text), '{}') INTO findings FROM (
        SELECT q->>'number' AS number, (q->>'line')::int AS line, sum((i->>'quantity')::numeric) AS wanted
        FROM jsonb_array_elements(d->'items') i, jsonb_array_elements(i->'licences') q GROUP BY 1, 2
    ) w JOIN pl_line l USING (number, line) WHERE w.wanted > l.authorised - l.reserved - l.consumed;
    blocks := EXISTS (SELECT 1 FROM unnest(findings) f WHERE f LIKE 'b:%');
    outcome := CASE WHEN blocks THEN 'hold' WHEN cardinality(findings) > 0 THEN 'refer' ELSE 'clear' END;
    INSERT INTO pl_verification VALUES (verification, outcome, body, to_jsonb(findings), now());
    INSERT INTO pl_audit (verification, actor, entry, at)
        VALUES (verification, actor, jsonb_build_object('verification', verification, 'verdict', outcome, 'reference', d#>>'{reference,value}'), now());
    RETURN outcome;
END $$;
