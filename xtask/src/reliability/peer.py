"""The load on asyncpg: one line per call, `start end id outcome`, times in seconds since this process was ready."""

import asyncio
import logging
import sys
import time

import asyncpg

PORT, CONNECTIONS, WORKERS = (int(arg) for arg in sys.argv[1:4])
LIMIT, DURATION = (float(arg) for arg in sys.argv[4:6])
CACHE = int(sys.argv[6])
CALLS = [
    ("INSERT INTO calls (id, note) VALUES ($1, 'even') RETURNING id, note", "even"),
    ("INSERT INTO calls (note, id) VALUES ('odd', $1) RETURNING id, note", "odd"),
]


# A pool that cannot reach its server tells the log again and again.
logging.disable(logging.CRITICAL)


async def worker(pool, number, began):
    call = 0
    while time.monotonic() - began < DURATION:
        call += 1
        unique = number * 1_000_000 + call
        start = time.monotonic() - began
        try:
            text, note = CALLS[unique % 2]
            row = await pool.fetchrow(text, unique)
            outcome = "ok" if (row["id"], row["note"]) == (unique, note) else "wrong"
        except Exception:
            outcome = "error"
        print(f"{start:.6f} {time.monotonic() - began:.6f} {unique} {outcome}", flush=True)
        await asyncio.sleep(0.002)


async def main():
    pool = await asyncpg.create_pool(
        host="127.0.0.1", port=PORT, user="caller", database="postgres", ssl=False, timeout=LIMIT,
        min_size=1, max_size=CONNECTIONS, command_timeout=LIMIT, statement_cache_size=CACHE,
    )
    print("ready", flush=True)
    began = time.monotonic()
    await asyncio.gather(*(worker(pool, number, began) for number in range(1, WORKERS + 1)))
    pool.terminate()


asyncio.run(main())
