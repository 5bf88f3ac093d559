-- The week of the council: research, pitches, anonymous reviews, the chairman's decision.

CREATE TABLE research_reports (
    id                report_id         NOT NULL,
    week_id           week_id           NOT NULL,
    provider          provider          NOT NULL,
    model             model             NOT NULL,
    natural_language  text              NOT NULL,
    structured_json   research_document NOT NULL,
    status            report_status     NOT NULL DEFAULT 'pending',
    error_message     text,
    generated_at      timestamptz,
    created_at        timestamptz       NOT NULL DEFAULT now(),
    CONSTRAINT research_reports_pkey PRIMARY KEY (id)
);
CREATE INDEX research_reports_week_idx ON research_reports (week_id, provider, created_at DESC, id DESC);
CREATE INDEX research_reports_status_idx ON research_reports (status, created_at DESC, id DESC);
CREATE INDEX research_reports_created_idx ON research_reports (created_at);
COMMENT ON TABLE research_reports IS 'Market research of a provider for a week.';
COMMENT ON COLUMN research_reports.id IS 'Made by the application.';
COMMENT ON COLUMN research_reports.week_id IS 'Week the report is for.';
COMMENT ON COLUMN research_reports.provider IS 'Who made the report.';
COMMENT ON COLUMN research_reports.model IS 'Model the provider used.';
COMMENT ON COLUMN research_reports.natural_language IS 'The report as prose.';
COMMENT ON COLUMN research_reports.structured_json IS 'The report as a document.';
COMMENT ON COLUMN research_reports.status IS 'pending, complete or error.';
COMMENT ON COLUMN research_reports.error_message IS 'Why the report failed.';
COMMENT ON COLUMN research_reports.generated_at IS 'When the provider finished it.';
COMMENT ON COLUMN research_reports.created_at IS 'When the row was first stored.';

CREATE TABLE pm_pitches (
    id             pitch_id       NOT NULL,
    week_id        week_id        NOT NULL,
    model          model          NOT NULL,
    account        account        NOT NULL,
    pitch_data     pitch_document NOT NULL,
    instrument     instrument     NOT NULL
        GENERATED ALWAYS AS (COALESCE(pitch_data ->> 'selected_instrument', pitch_data ->> 'instrument')) STORED,
    direction      direction      NOT NULL GENERATED ALWAYS AS (pitch_data ->> 'direction') STORED,
    conviction     conviction     NOT NULL GENERATED ALWAYS AS ((pitch_data ->> 'conviction')::numeric) STORED,
    research_date  timestamptz,
    created_at     timestamptz    NOT NULL DEFAULT now(),
    updated_at     timestamptz    NOT NULL DEFAULT now(),
    CONSTRAINT pm_pitches_pkey PRIMARY KEY (id),
    CONSTRAINT pm_pitches_id_week_key UNIQUE (id, week_id),
    CONSTRAINT pm_pitches_week_model_key UNIQUE NULLS NOT DISTINCT (week_id, model, research_date),
    CONSTRAINT pm_pitches_conviction_sign CHECK (
        CASE direction WHEN 'LONG' THEN conviction > 0 WHEN 'SHORT' THEN conviction < 0 ELSE conviction = 0 END)
);
CREATE INDEX pm_pitches_research_date_idx ON pm_pitches (research_date);
CREATE INDEX pm_pitches_account_idx ON pm_pitches (account, week_id DESC);
COMMENT ON TABLE pm_pitches IS 'The trade each model proposed in a week; one per week, model and research.';
COMMENT ON COLUMN pm_pitches.id IS 'Made by the application; stays when the pitch is saved again.';
COMMENT ON COLUMN pm_pitches.week_id IS 'Week the trade is for.';
COMMENT ON COLUMN pm_pitches.model IS 'Model that pitched.';
COMMENT ON COLUMN pm_pitches.account IS 'Account that would trade it.';
COMMENT ON COLUMN pm_pitches.pitch_data IS 'The pitch as a document.';
COMMENT ON COLUMN pm_pitches.instrument IS 'Copy of the instrument in the document.';
COMMENT ON COLUMN pm_pitches.direction IS 'Copy of the direction in the document.';
COMMENT ON COLUMN pm_pitches.conviction IS 'Copy of the conviction in the document.';
COMMENT ON COLUMN pm_pitches.research_date IS 'Instant of the research the pitch rests on.';
COMMENT ON COLUMN pm_pitches.created_at IS 'When the pitch was first stored.';
COMMENT ON COLUMN pm_pitches.updated_at IS 'When the pitch was last changed.';

CREATE TABLE peer_reviews (
    id              review_id       NOT NULL,
    week_id         week_id         NOT NULL,
    pitch_id        pitch_id        NOT NULL,
    reviewer_model  model           NOT NULL,
    pitch_label     pitch_label     NOT NULL,
    review_data     review_document NOT NULL,
    research_date   timestamptz,
    created_at      timestamptz     NOT NULL DEFAULT now(),
    updated_at      timestamptz     NOT NULL DEFAULT now(),
    CONSTRAINT peer_reviews_pkey PRIMARY KEY (id),
    CONSTRAINT peer_reviews_pitch_reviewer_key UNIQUE (pitch_id, week_id, reviewer_model),
    -- The week is part of the reference: a review cannot sit in another week than its pitch.
    CONSTRAINT peer_reviews_pitch_fkey FOREIGN KEY (pitch_id, week_id) REFERENCES pm_pitches (id, week_id) ON DELETE CASCADE
);
CREATE INDEX peer_reviews_week_idx ON peer_reviews (week_id, research_date);
COMMENT ON TABLE peer_reviews IS 'Anonymous reviews of a week''s pitches by the other models; one per pitch and reviewer.';
COMMENT ON COLUMN peer_reviews.id IS 'Made by the application; stays when the review is saved again.';
COMMENT ON COLUMN peer_reviews.week_id IS 'Week of the pitch.';
COMMENT ON COLUMN peer_reviews.pitch_id IS 'Pitch reviewed.';
COMMENT ON COLUMN peer_reviews.reviewer_model IS 'Model that reviewed.';
COMMENT ON COLUMN peer_reviews.pitch_label IS 'Name under which the reviewer saw the pitch.';
COMMENT ON COLUMN peer_reviews.review_data IS 'The review as a document.';
COMMENT ON COLUMN peer_reviews.research_date IS 'Instant of the research the round rests on.';
COMMENT ON COLUMN peer_reviews.created_at IS 'When the review was first stored.';
COMMENT ON COLUMN peer_reviews.updated_at IS 'When the review was last changed.';

CREATE TABLE chairman_decisions (
    id             decision_id       NOT NULL,
    week_id        week_id           NOT NULL,
    decision_data  decision_document NOT NULL,
    research_date  timestamptz,
    created_at     timestamptz       NOT NULL DEFAULT now(),
    updated_at     timestamptz       NOT NULL DEFAULT now(),
    CONSTRAINT chairman_decisions_pkey PRIMARY KEY (id),
    CONSTRAINT chairman_decisions_week_research_key UNIQUE NULLS NOT DISTINCT (week_id, research_date)
);
CREATE INDEX chairman_decisions_research_date_idx ON chairman_decisions (research_date);
COMMENT ON TABLE chairman_decisions IS 'The trade the chairman chose; one per week and research.';
COMMENT ON COLUMN chairman_decisions.id IS 'Made by the application; stays when the decision is saved again.';
COMMENT ON COLUMN chairman_decisions.week_id IS 'Week the decision is for.';
COMMENT ON COLUMN chairman_decisions.decision_data IS 'The decision as a document.';
COMMENT ON COLUMN chairman_decisions.research_date IS 'Instant of the research the decision rests on.';
COMMENT ON COLUMN chairman_decisions.created_at IS 'When the decision was first stored.';
COMMENT ON COLUMN chairman_decisions.updated_at IS 'When the decision was last changed.';
