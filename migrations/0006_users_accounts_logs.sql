-- Users, cash accounts and the application's log.

CREATE TABLE users (
    id          user_id     NOT NULL,
    name        user_name   NOT NULL,
    email       email       NOT NULL,
    active      boolean     NOT NULL DEFAULT true,
    age         integer,
    created_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_age_plausible CHECK (age BETWEEN 0 AND 150)
);
-- One address, one user, however it is capitalised.
CREATE UNIQUE INDEX users_email_key ON users (lower(email));
COMMENT ON TABLE users IS 'People who use the desk.';
COMMENT ON COLUMN users.id IS 'Made by the application.';
COMMENT ON COLUMN users.name IS 'Display name.';
COMMENT ON COLUMN users.email IS 'Address; unique regardless of case.';
COMMENT ON COLUMN users.active IS 'False once the user has left.';
COMMENT ON COLUMN users.age IS 'Age in years, where known.';
COMMENT ON COLUMN users.created_at IS 'When the user was added.';

CREATE TABLE accounts (
    id          account_id  NOT NULL,
    balance     balance     NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT accounts_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE accounts IS 'Cash accounts.';
COMMENT ON COLUMN accounts.id IS 'Made by the application.';
COMMENT ON COLUMN accounts.balance IS 'Cash in US dollars and cents; never negative.';
COMMENT ON COLUMN accounts.created_at IS 'When the account was opened.';

CREATE TABLE logs (
    id          log_id       NOT NULL,
    level       log_level    NOT NULL,
    message     text         NOT NULL,
    data        log_document,
    created_at  timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT logs_pkey PRIMARY KEY (id)
);
CREATE INDEX logs_created_idx ON logs (created_at DESC, id DESC);
CREATE INDEX logs_level_idx ON logs (level, created_at DESC, id DESC);
COMMENT ON TABLE logs IS 'Log of the application.';
COMMENT ON COLUMN logs.id IS 'Made by the application.';
COMMENT ON COLUMN logs.level IS 'Severity.';
COMMENT ON COLUMN logs.message IS 'The message, one line.';
COMMENT ON COLUMN logs.data IS 'Named values that belong to the message.';
COMMENT ON COLUMN logs.created_at IS 'When it was logged.';
