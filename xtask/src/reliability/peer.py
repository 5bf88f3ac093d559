"""The load on asyncpg: one line per call, `start end id outcome`, times in seconds since this process was ready."""

import asyncio
import sys
import time

import asyncpg

PORT, CONNECTIONS, WORKERS = (int(arg) for arg in sys.argv[1:4])
LIMIT, DURATION = (float(arg) for arg in sys.argv[4:6])
CALL = "INSERT INTO calls (id, note) VALUES ($1, 'x') RETURNING id, note"


async def worker(pool, number, began):
    call = 0
    while time.monotonic() - began < DURATION:
        call += 1
        unique = number * 1_000_000 + call
        start = time.monotonic() - began
        try:
            row = await pool.fetchrow(CALL, unique)
            outcome = "ok" if row["id"] == unique else "wrong"
        except Exception:
            outcome = "error"
        print(f"{start:.6f} {time.monotonic() - began:.6f} {unique} {outcome}", flush=True)
        await asyncio.sleep(0.002)


async def main():
    pool = await asyncpg.create_pool(
        host="127.0.0.1", port=PORT, user="caller", database="postgres", ssl=False, timeout=LIMIT,
        min_size=1, max_size=CONNECTIONS, command_timeout=LIMIT,
    )
    print("ready", flush=True)
    began = time.monotonic()
    await asyncio.gather(*(worker(pool, number, began) for number in range(1, WORKERS + 1)))
    pool.terminate()


asyncio.run(main())
