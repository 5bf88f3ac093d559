"""What programs of the Python layer share: a pool, and the helpers of its guide."""

import asyncio
import json
import sys
from contextlib import asynccontextmanager
from datetime import date, datetime
from decimal import Decimal

import asyncpg

pool = None


async def fetch_all(query, *args):
    async with pool.acquire() as conn:
        return [dict(row) for row in await conn.fetch(query, *args)]


async def fetch_one(query, *args):
    rows = await fetch_all(query, *args)
    return rows[0] if rows else None


async def fetch_val(query, *args):
    async with pool.acquire() as conn:
        return await conn.fetchval(query, *args)


async def execute(query, *args):
    async with pool.acquire() as conn:
        return await conn.execute(query, *args)


async def execute_many(query, rows):
    async with pool.acquire() as conn:
        async with conn.transaction():
            await conn.executemany(query, rows)


@asynccontextmanager
async def transaction():
    async with pool.acquire() as conn:
        async with conn.transaction():
            yield conn


def plain(value):
    """The value as JSON, with the name of its type where JSON has none."""
    match value:
        case dict():
            return {key: plain(one) for key, one in value.items()}
        case list() | tuple():
            return [plain(one) for one in value]
        case Decimal() | datetime() | date():
            return f"{type(value).__name__} {value}"
        case None | bool() | int() | str():
            return value
        case _:
            return f"{type(value).__name__} {value}"


def run(work):
    """Runs `work` on the database of the first argument, whose answers go to standard output, a line of JSON each."""

    async def main():
        global pool
        pool = await asyncpg.create_pool(sys.argv[1], min_size=1, max_size=4)
        try:
            async for name, answer in work(*sys.argv[2:]):
                print(json.dumps([name, plain(answer)]), flush=True)
        finally:
            await pool.close()

    asyncio.run(main())
