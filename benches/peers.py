"""The Python peers: asyncpg (uvloop, orjson codec), psycopg2 with a connection per call, pandas for the metrics job.

One JSON command a line on standard input, one JSON answer a line on standard output.
"""

import asyncio
import itertools
import json
import random
import resource
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import asyncpg
import numpy as np
import orjson
import pandas as pd
import psycopg2
import psycopg2.extras
import uvloop

PITCH = """
    SELECT id, week_id, model, account, pitch_data, instrument, direction, conviction, research_date, created_at
    FROM pm_pitches
    WHERE id = {id}"""
PITCHES = PITCH.replace("= {id}", "= ANY({ids}::uuid[])")
BARS = """
    SELECT bar.symbol, bar.date, bar.open, bar.high, bar.low, bar.close, bar.volume
    FROM (SELECT DISTINCT symbol FROM UNNEST({symbols}::text[]) AS asked (symbol)) AS asked
    CROSS JOIN LATERAL (
        SELECT symbol, date, open, high, low, close, volume
        FROM daily_bars
        WHERE daily_bars.symbol = asked.symbol
          AND daily_bars.date <= {until}
        ORDER BY daily_bars.date DESC
        LIMIT {n}
    ) AS bar
    ORDER BY bar.symbol, bar.date"""
RETURN = """
    INSERT INTO daily_log_returns (symbol, date, log_return)
    VALUES {row}
    ON CONFLICT (symbol, date) DO UPDATE SET log_return = EXCLUDED.log_return, created_at = now()"""
RETURN_7D = """
    INSERT INTO rolling_7day_log_returns (symbol, date, log_return_7d)
    VALUES ($1, $2, $3)
    ON CONFLICT (symbol, date) DO UPDATE SET log_return_7d = EXCLUDED.log_return_7d, created_at = now()"""
CORRELATION = """
    INSERT INTO correlation_matrix (symbol_1, symbol_2, date, correlation, window_rows)
    VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (symbol_1, symbol_2, date) DO UPDATE
    SET correlation = EXCLUDED.correlation, window_rows = EXCLUDED.window_rows, created_at = now()"""
ADD = "UPDATE accounts SET balance = balance + {change} WHERE id = {id}"
SAVE = """
    INSERT INTO pm_pitches (id, week_id, model, account, pitch_data, research_date, created_at, updated_at)
    VALUES {row}
    ON CONFLICT (week_id, model, research_date) DO UPDATE
    SET account = EXCLUDED.account, pitch_data = EXCLUDED.pitch_data, updated_at = EXCLUDED.updated_at
    RETURNING id"""
WINDOW, LAG = 30, 7


class Fixture:
    """The same arguments as the other peers draw."""

    def __init__(self, given):
        self.symbols = given["symbols"]
        self.until = date.fromisoformat(given["until"])
        self.week = date.fromisoformat(given["week"])
        self.document = json.loads(given["document"])
        self.models = given["models"]
        self.pitches = [uuid.UUID(i) for i in given["pitches"]]
        self.accounts = [uuid.UUID(i) for i in given["accounts"]]
        self.rows = [
            [(symbol, date.fromisoformat(day), Decimal(value)) for symbol, day, value in version]
            for version in given["returns"]
        ]
        self.turn = itertools.count()
        self.instant = itertools.count()

    def ids(self):
        return random.sample(self.pitches, 16)

    def returns(self, n):
        return self.rows[next(self.turn) % 2][:n]

    def transfer(self):
        """The two changes in the order of the ids, so that opposite transfers do not deadlock."""
        payer, payee = random.sample(self.accounts, 2)
        return sorted([(Decimal("-0.01"), payer), (Decimal("0.01"), payee)], key=lambda side: side[1])

    def new_pitches(self, n):
        at = datetime(2021, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=next(self.instant))
        return [
            (uuid.uuid4(), self.week, model, "CLAUDE", self.document, at, at, at) for model in self.models[:n]
        ]


class Asyncpg:
    def __init__(self, fixture):
        self.fixture = fixture

    async def connect(self, dsn, connections):
        async def init(conn):
            await conn.set_type_codec(
                "jsonb",
                schema="pg_catalog",
                format="binary",
                encoder=lambda value: b"\x01" + orjson.dumps(value),
                decoder=lambda data: orjson.loads(data[1:]),
            )

        self.pool = await asyncpg.create_pool(dsn, min_size=connections, max_size=connections, init=init)

    async def close(self):
        await self.pool.close()

    async def run(self, op, size):
        return await getattr(self, op)(size)

    async def nothing(self, _):
        async with self.pool.acquire() as conn:
            return await conn.fetchval("SELECT 1")

    async def pitch(self, _, pitch_id=None):
        async with self.pool.acquire() as conn:
            query = PITCH.format(id="$1")
            return await conn.fetchrow(query, pitch_id or random.choice(self.fixture.pitches))

    async def pitches(self, _, ids=None):
        ids = ids or self.fixture.ids()
        async with self.pool.acquire() as conn:
            rows = await conn.fetch(PITCHES.format(ids="$1"), ids)
        found = {row["id"]: row for row in rows}
        return [found[i] for i in ids]

    async def bars(self, _):
        async with self.pool.acquire() as conn:
            query = BARS.format(symbols="$1", n="$2", until="$3")
            return await conn.fetch(query, self.fixture.symbols, 30, self.fixture.until)

    async def returns(self, size):
        async with self.pool.acquire() as conn:
            await conn.executemany(RETURN.format(row="($1, $2, $3)"), self.fixture.returns(size))

    async def transfer(self, _):
        async with self.pool.acquire() as conn, conn.transaction():
            for side in self.fixture.transfer():
                await conn.execute(ADD.format(change="$1", id="$2"), *side)

    async def save(self, size):
        query = SAVE.format(row="($1, $2, $3, $4, $5, $6, $7, $8)")
        rows = self.fixture.new_pitches(size)
        async with self.pool.acquire() as conn:
            if size == 1:
                return await conn.fetchval(query, *rows[0])
            await conn.executemany(query, rows)

    async def metrics(self, _):
        async with self.pool.acquire() as conn:
            rows = await conn.fetch("SELECT symbol, date, close FROM daily_bars ORDER BY symbol, date")
            daily, seven, cells = compute(rows)
            async with conn.transaction():
                await conn.executemany(RETURN.format(row="($1, $2, $3)"), daily)
                await conn.executemany(RETURN_7D, seven)
                await conn.executemany(CORRELATION, cells)

    async def phase(self, op, size, tasks, seconds, times):
        end = time.perf_counter() + seconds

        async def worker():
            while (begun := time.perf_counter()) < end:
                await self.run(op, size)
                times.append(time.perf_counter() - begun)

        if op == "metrics":
            begun = time.perf_counter()
            await self.run(op, size)
            times.append(time.perf_counter() - begun)
        else:
            await asyncio.gather(*(worker() for _ in range(tasks)))

    async def look(self, read, ids):
        if read == "bars":
            return seen_bars(await self.bars(1))
        if read == "pitch":
            return seen(await self.pitch(1, ids[0]))
        return [seen(row) for row in await self.pitches(1, ids)]


class Psycopg2:
    """The old pattern: a new connection for every call."""

    def __init__(self, fixture):
        self.fixture = fixture

    async def connect(self, dsn, _):
        self.dsn = dsn

    async def close(self):
        pass

    def once(self, op, size):
        conn = psycopg2.connect(self.dsn)
        try:
            with conn.cursor() as cursor:
                result = getattr(self, op)(cursor, size)
            conn.commit()
            return result
        finally:
            conn.close()

    async def run(self, op, size):
        return self.once(op, size)

    def nothing(self, cursor, _):
        cursor.execute("SELECT 1")
        return cursor.fetchone()

    def pitch(self, cursor, _, pitch_id=None):
        cursor.execute(PITCH.format(id="%s"), (str(pitch_id or random.choice(self.fixture.pitches)),))
        return cursor.fetchone()

    def pitches(self, cursor, _, ids=None):
        ids = [str(i) for i in ids or self.fixture.ids()]
        cursor.execute(PITCHES.format(ids="%s"), (ids,))
        found = {row[0]: row for row in cursor.fetchall()}
        return [found[i] for i in ids]

    def bars(self, cursor, _):
        query = BARS.format(symbols="%s", n="%s", until="%s")
        # The order of the placeholders, which have no numbers.
        cursor.execute(query, (self.fixture.symbols, self.fixture.until, 30))
        return cursor.fetchall()

    def returns(self, cursor, size):
        rows = self.fixture.returns(size)
        psycopg2.extras.execute_values(cursor, RETURN.format(row="%s"), rows, page_size=1000)

    def transfer(self, cursor, _):
        for change, account in self.fixture.transfer():
            cursor.execute(ADD.format(change="%s", id="%s"), (change, str(account)))

    def save(self, cursor, size):
        rows = [
            (str(row[0]), *row[1:4], json.dumps(row[4]), *row[5:]) for row in self.fixture.new_pitches(size)
        ]
        template = "(%s::uuid, %s, %s, %s, %s::jsonb, %s, %s, %s)"
        return psycopg2.extras.execute_values(cursor, SAVE.format(row="%s"), rows, template, 100, fetch=True)

    async def phase(self, op, size, tasks, seconds, times):
        end = time.perf_counter() + seconds

        def worker():
            while (begun := time.perf_counter()) < end:
                self.once(op, size)
                times.append(time.perf_counter() - begun)

        with ThreadPoolExecutor(tasks) as threads:
            for done in [threads.submit(worker) for _ in range(tasks)]:
                done.result()

    async def look(self, read, ids):
        conn = psycopg2.connect(self.dsn)
        try:
            with conn.cursor() as cursor:
                if read == "bars":
                    return seen_bars(self.bars(cursor, 1))
                if read == "pitch":
                    return seen(self.pitch(cursor, 1, ids[0]))
                return [seen(row) for row in self.pitches(cursor, 1, ids)]
        finally:
            conn.close()


def compute(rows):
    """Log returns over one and over seven rows, correlations of the latter over 30 dates of their union."""
    frame = pd.DataFrame(((r["symbol"], r["date"], float(r["close"])) for r in rows), columns=["symbol", "date", "close"])
    log = np.log(frame["close"])
    by_symbol = log.groupby(frame["symbol"])
    frame["daily"] = log - by_symbol.shift(1)
    frame["seven"] = log - by_symbol.shift(LAG)
    daily, seven = (
        [(s, d, numeric(r)) for s, d, r in frame[["symbol", "date", name]].dropna().itertuples(index=False)]
        for name in ("daily", "seven")
    )
    panel = frame.dropna(subset=["seven"]).pivot(index="date", columns="symbol", values="seven")
    symbols, cells = list(panel.columns), []
    for i in range(WINDOW - 1, len(panel)):
        matrix = panel.iloc[i - WINDOW + 1 : i + 1].corr().to_numpy()
        day = panel.index[i]
        for a, row in zip(symbols, matrix):
            for b, r in zip(symbols, row):
                cells.append((a, b, day, None if np.isnan(r) else numeric(min(1.0, max(-1.0, r))), WINDOW))
    return daily, seven, cells


def numeric(value):
    return Decimal(f"{value:.8f}")


def seen(row):
    pitch_id, model, document, created = row[0], row[2], row[4], row[9]
    return {
        "id": str(pitch_id),
        "model": model,
        "conviction": str(document["conviction"]),
        "bullets": len(document["thesis_bullets"]),
        "last": document["thesis_bullets"][-1],
        "created": round(created.timestamp() * 1e6),
    }


def seen_bars(rows):
    return {
        "rows": len(rows),
        "closes": f"{sum(row[5] for row in rows):.4f}",
        "volume": sum(row[6] for row in rows),
        "last": f"{rows[-1][0]} {rows[-1][1]}",
    }


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def answer(peers, command):
    match command["do"]:
        case "fixture":
            fixture = Fixture(command["fixture"])
            peers.update(asyncpg=Asyncpg(fixture), psycopg2=Psycopg2(fixture))
            modules = (asyncpg, orjson, pd, psycopg2, uvloop)
            versions = {module.__name__: module.__version__.split()[0] for module in modules}
            return {"python": sys.version.split()[0], **versions}
        case "connect":
            for peer in peers.values():
                await peer.connect(command["dsn"], command["connections"])
        case "close":
            for peer in peers.values():
                await peer.close()
        case "run":
            await peers[command["peer"]].run(command["op"], command["size"])
        case "look":
            ids = [uuid.UUID(i) for i in command["ids"]]
            return await peers[command["peer"]].look(command["read"], ids)
        case "phase":
            times = []
            begun, used = time.perf_counter(), cpu()
            peer = peers[command["peer"]]
            await peer.phase(command["op"], command["size"], command["tasks"], command["seconds"], times)
            return {"times": times, "wall": time.perf_counter() - begun, "cpu": cpu() - used}


async def main():
    peers = {}
    for line in iter(sys.stdin.readline, ""):
        try:
            reply = {"ok": await answer(peers, json.loads(line))}
        except Exception as error:  # whatever it is, the harness reports it
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), flush=True)


uvloop.run(main())
