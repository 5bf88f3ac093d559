-- A small shop: each kind of domain, and each way for a value to lose sight of it.

CREATE DOMAIN order_id AS uuid;
CREATE DOMAIN customer_id AS uuid;
CREATE DOMAIN sku AS text COLLATE "C" CHECK (VALUE <> '');
CREATE DOMAIN country AS text CHECK (length(VALUE) = 2);
CREATE DOMAIN home_country AS country CHECK (VALUE <> 'XX');
CREATE DOMAIN ship_date AS date;
CREATE DOMAIN bill_date AS date;
CREATE DOMAIN invoice_no AS bigint;
CREATE DOMAIN ticket_no AS bigint;
CREATE DOMAIN order_document AS jsonb;
CREATE DOMAIN customer_document AS jsonb;
CREATE DOMAIN price AS numeric(12, 2);
CREATE DOMAIN rate AS numeric(8, 6);
CREATE DOMAIN pieces AS integer;
CREATE DOMAIN boxes AS integer;

CREATE TABLE customers (
    id      customer_id PRIMARY KEY,
    country country NOT NULL,
    home    home_country,
    data    customer_document NOT NULL,
    note    text
);
CREATE TABLE orders (
    id          order_id PRIMARY KEY,
    customer_id customer_id NOT NULL REFERENCES customers (id),
    sku         sku NOT NULL,
    shipped     ship_date,
    billed      bill_date,
    day         date NOT NULL,
    price       price NOT NULL,
    discount    rate NOT NULL DEFAULT 0,
    pieces      pieces NOT NULL,
    boxes       boxes NOT NULL DEFAULT 1,
    data        order_document,
    likes     sku[] NOT NULL DEFAULT '{}',
    half        numeric GENERATED ALWAYS AS (price / 2) STORED,
    made_at     timestamptz NOT NULL,
    UNIQUE (customer_id, sku)
);
CREATE TABLE invoices (
    no       invoice_no PRIMARY KEY,
    order_id order_id NOT NULL REFERENCES orders (id),
    amount   price NOT NULL
);
CREATE TABLE tickets (
    no         ticket_no PRIMARY KEY,
    invoice_no invoice_no REFERENCES invoices (no),
    customers  customer_id[] NOT NULL DEFAULT '{}'
);

-- The second column has lost its domain by the function, the third by the literal.
CREATE VIEW newest AS
    SELECT customer_id, max(shipped) AS shipped, COALESCE(max(sku), 'none') AS sku FROM orders GROUP BY customer_id;
CREATE MATERIALIZED VIEW shipped_orders AS
    SELECT id, customer_id, shipped FROM orders WHERE shipped IS NOT NULL;

CREATE FUNCTION customer_of(order_id) RETURNS customer_id
    LANGUAGE sql STABLE AS 'SELECT customer_id FROM orders WHERE id = $1';
CREATE FUNCTION orders_of(customer_id) RETURNS TABLE (id order_id, sku sku)
    LANGUAGE sql STABLE AS 'SELECT id, sku FROM orders WHERE customer_id = $1';
CREATE FUNCTION shout(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT upper($1)';

CREATE TABLE stock (
    sku        sku NOT NULL,
    day        date NOT NULL,
    cost       price NOT NULL,
    asked      price,
    pieces     integer NOT NULL DEFAULT 0,
    closed_at  timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT stock_pkey PRIMARY KEY (sku, day)
);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.updated_at := now(); NEW.label := lower(NEW.label); RETURN NEW; END';
CREATE TABLE touched (id bigint PRIMARY KEY, label text NOT NULL, updated_at timestamptz NOT NULL DEFAULT now());
CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON touched FOR EACH ROW EXECUTE FUNCTION touch();
CREATE FUNCTION roll(integer) RETURNS integer LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN $1; END';
