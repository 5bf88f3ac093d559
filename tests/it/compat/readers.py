"""Readers as the Python layer had them: each call of its data access that reads, forty-eight in all.

Errors become nothing where the layer swallowed them.
"""

import json
from collections import defaultdict
from datetime import date, datetime, timezone

from layer import fetch_all, fetch_one, fetch_val, run

ROUND = datetime(2026, 1, 7, 13, 30, tzinfo=timezone.utc)
WEEK = "2026-01-07"

# Made by the database, and other ones in each.
MADE = {"id", "created_at", "updated_at"}


def without_made(rows):
    return [{key: value for key, value in row.items() if key not in MADE} for row in rows]


async def load_pitches(week_id=None, research_date=None):
    try:
        if research_date:
            rows = await fetch_all(
                """
                SELECT pitch_data FROM pm_pitches
                WHERE research_date::date = $1::timestamptz::date
                  AND EXTRACT(HOUR FROM research_date) = EXTRACT(HOUR FROM $1::timestamptz)
                  AND EXTRACT(MINUTE FROM research_date) = EXTRACT(MINUTE FROM $1::timestamptz)
                ORDER BY model
                """,
                research_date,
            )
        elif week_id:
            rows = await fetch_all("SELECT pitch_data FROM pm_pitches WHERE week_id = $1 ORDER BY model", week_id)
        else:
            latest = await fetch_one("SELECT MAX(research_date) AS latest FROM pm_pitches")
            rows = await fetch_all(
                "SELECT pitch_data FROM pm_pitches WHERE research_date = $1 ORDER BY model", latest["latest"]
            )
        return [json.loads(row["pitch_data"]) for row in rows]
    except Exception:
        return []


async def find_pitch_by_id(pitch_id):
    try:
        row = await fetch_one(
            """
            SELECT id, week_id, model, account, pitch_data, instrument, direction, conviction, research_date, created_at
            FROM pm_pitches WHERE id = $1
            """,
            pitch_id,
        )
        return without_made([row])[0] if row else None
    except Exception:
        return None


async def get_execution_history(limit=100, event_type=None, account=None, week_id=None):
    where, values = [], []
    for column, value in (("event_type", event_type), ("account", account), ("week_id", week_id)):
        if value:
            values.append(value)
            where.append(f"{column} = ${len(values)}")
    query = "SELECT id, week_id, event_type, account, event_data, occurred_at, created_at FROM execution_events"
    if where:
        query += " WHERE " + " AND ".join(where)
    query += " ORDER BY occurred_at DESC"
    if limit:
        values.append(limit)
        query += f" LIMIT ${len(values)}"
    try:
        rows = without_made(await fetch_all(query, *values))
        return sorted(rows, key=lambda row: (row["occurred_at"], row["account"]))
    except Exception:
        return []


async def get_latest_event_by_account(account):
    rows = await get_execution_history(1, account=account)
    return rows[0] if rows else None


async def count_events_by_type(week_id=None):
    try:
        query = "SELECT event_type, COUNT(*) AS count FROM execution_events"
        query += " WHERE week_id = $1" if week_id else ""
        rows = await fetch_all(query + " GROUP BY event_type", *([week_id] if week_id else []))
        return {row["event_type"]: row["count"] for row in sorted(rows, key=lambda row: row["event_type"])}
    except Exception:
        return {}


async def fetch_market_metrics():
    returns = await fetch_all(
        """
        SELECT symbol, log_return_7d FROM rolling_7day_log_returns
        WHERE date = (SELECT MAX(date) FROM rolling_7day_log_returns) ORDER BY log_return_7d DESC
        """
    )
    pairs = await fetch_all(
        """
        SELECT symbol_1, symbol_2, correlation FROM correlation_matrix
        WHERE date = (SELECT MAX(date) FROM correlation_matrix) ORDER BY symbol_1, symbol_2
        """
    )
    matrix = defaultdict(dict)
    for row in pairs:
        matrix[row["symbol_1"]][row["symbol_2"]] = float(row["correlation"])
    latest = await fetch_val("SELECT MAX(date) FROM rolling_7day_log_returns")
    return {"date": latest, "returns_7d": returns, "matrix": {key: str(value) for key, value in matrix.items()}}


async def fetch_current_prices():
    return await fetch_all(
        """
        SELECT DISTINCT ON (symbol) symbol, date, open, high, low, close, volume FROM daily_bars
        WHERE symbol = ANY($1) ORDER BY symbol, date DESC
        """,
        ["SPY", "QQQ", "IWM", "TLT"],
    )


REPORT = "id, week_id, provider, model, natural_language, structured_json, status, error_message, generated_at, created_at"


async def get_latest_research():
    query = f"SELECT {REPORT} FROM research_reports WHERE status = 'complete' ORDER BY created_at DESC LIMIT 1"
    return without_made([await fetch_one(query)])


async def get_research_by_id():
    known = await fetch_val("SELECT id FROM research_reports WHERE status = 'error' LIMIT 1")
    return without_made([await fetch_one(f"SELECT {REPORT} FROM research_reports WHERE id = $1", known)])


async def get_research_history(days):
    rows = await fetch_all(
        """
        SELECT DATE(created_at) AS day, provider, COUNT(*) AS count, array_agg(id) AS ids, array_agg(status) AS statuses
        FROM research_reports WHERE created_at >= NOW() - make_interval(days => $1)
        GROUP BY DATE(created_at), provider ORDER BY provider
        """,
        days,
    )
    return [(row["provider"], row["count"], len(row["ids"]), sorted(row["statuses"])) for row in rows]


PERFORMANCE = """account, weeks_lookback, total_return, sharpe_ratio, max_drawdown, volatility, weeks_traded,
    profitable_weeks, win_rate, avg_conviction, max_conviction, calculated_at"""


async def get_leaderboard(weeks=None):
    views = {None: "v_leaderboard_all_time", 4: "v_leaderboard_4w", 8: "v_leaderboard_8w"}
    if weeks in views:
        return await fetch_all(f"SELECT * FROM {views[weeks]}")
    return await fetch_all(
        """
        SELECT ROW_NUMBER() OVER (ORDER BY total_return DESC) AS rank, account, total_return, sharpe_ratio, weeks_traded
        FROM account_performance WHERE weeks_lookback = $1 ORDER BY total_return DESC
        """,
        weeks,
    )


async def get_account_performance(account, weeks):
    return await fetch_one(
        f"""
        SELECT {PERFORMANCE} FROM account_performance
        WHERE account = $1 AND (weeks_lookback = $2 OR (weeks_lookback IS NULL AND $2::int IS NULL))
        """,
        account,
        weeks,
    )


async def get_weekly_breakdown(account, limit):
    return await fetch_all(
        """
        SELECT account, week_id, week_start, week_end, weekly_return, instrument, direction, entry_price, exit_price,
               realized_pnl, fees, net_pnl, entry_reason, panic_exit, market_regime
        FROM weekly_performance WHERE account = $1 ORDER BY week_id DESC LIMIT $2
        """,
        account,
        limit,
    )


async def get_market_condition_performance():
    return await fetch_all(
        """
        SELECT account, weeks_in_condition, avg_return, avg_sharpe, win_rate FROM market_condition_performance
        WHERE condition_type = $1 AND condition_value = $2 AND weeks_lookback IS NULL ORDER BY avg_return DESC
        """,
        "volatility",
        "high",
    )


async def get_council_vs_individuals(weeks=None):
    if weeks is None:
        return await fetch_all("SELECT * FROM v_council_vs_individuals")
    return await fetch_all(
        "SELECT account, total_return FROM account_performance WHERE weeks_lookback = $1 ORDER BY total_return DESC", weeks
    )


async def get_current_price(symbol):
    row = await fetch_one(
        "SELECT price FROM hourly_snapshots WHERE symbol = $1 ORDER BY timestamp DESC LIMIT 1", symbol
    )
    return float(row["price"]).hex() if row else None


async def find_pitch(pick):
    pitch_id = await fetch_val("SELECT id FROM pm_pitches WHERE model = $1 AND research_date = $2", "gemini", ROUND)
    return await find_pitch_by_id(pick(pitch_id))


async def view(name, order):
    rows = without_made(await fetch_all(f"SELECT * FROM {name}"))
    return sorted(rows, key=lambda row: [str(row[key]) for key in order])


CALLS = {
    "load_pitches()": lambda: load_pitches(),
    "load_pitches(week)": lambda: load_pitches(WEEK),
    "load_pitches(datetime)": lambda: load_pitches(research_date=ROUND),
    "load_pitches(text)": lambda: load_pitches(research_date=ROUND.isoformat()),
    "find_pitch_by_id(int)": lambda: find_pitch_by_id(42),
    "find_pitch_by_id(uuid)": lambda: find_pitch(lambda pitch_id: pitch_id),
    "get_execution_history()": lambda: get_execution_history(),
    "get_execution_history(type)": lambda: get_execution_history(event_type="ENTRY"),
    "get_execution_history(account)": lambda: get_execution_history(account="GROQ"),
    "get_execution_history(week)": lambda: get_execution_history(week_id=WEEK),
    "get_events_by_account(week)": lambda: get_execution_history(account="GROQ", week_id=WEEK),
    "get_events_by_week": lambda: get_execution_history(None, week_id="2025-12-31"),
    "get_latest_event_by_account": lambda: get_latest_event_by_account("COUNCIL"),
    "count_events_by_type()": lambda: count_events_by_type(),
    "count_events_by_type(week)": lambda: count_events_by_type(WEEK),
    "fetch_market_metrics": fetch_market_metrics,
    "fetch_current_prices": fetch_current_prices,
    "get_latest_research": get_latest_research,
    "get_research_by_id": get_research_by_id,
    "get_research_history": lambda: get_research_history(90),
    "get_leaderboard()": lambda: get_leaderboard(),
    "get_leaderboard(4)": lambda: get_leaderboard(4),
    "get_leaderboard(8)": lambda: get_leaderboard(8),
    "get_leaderboard(12)": lambda: get_leaderboard(12),
    "get_account_performance(None)": lambda: get_account_performance("GROQ", None),
    "get_account_performance(4)": lambda: get_account_performance("GROQ", 4),
    "get_weekly_breakdown(1)": lambda: get_weekly_breakdown("GROQ", 1),
    "get_weekly_breakdown(10)": lambda: get_weekly_breakdown("GROQ", 10),
    "get_market_condition_performance": get_market_condition_performance,
    "get_council_vs_individuals()": lambda: get_council_vs_individuals(),
    "get_council_vs_individuals(4)": lambda: get_council_vs_individuals(4),
    "get_latest_date": lambda: fetch_val("SELECT MAX(date) FROM daily_bars WHERE symbol = $1", "SPY"),
    "get_30day_bars": lambda: fetch_all(
        """
        SELECT date, open, high, low, close, volume FROM daily_bars
        WHERE symbol = $1 AND date >= $2::date - 30 ORDER BY date DESC
        """,
        "SPY",
        date(2026, 1, 7),
    ),
    "get_current_price": lambda: get_current_price("QQQ"),
    "get_checkpoint_snapshot": lambda: fetch_one(
        "SELECT price, volume, timestamp FROM hourly_snapshots WHERE symbol = $1 AND date = $2 AND hour = $3",
        "SPY",
        date(2026, 1, 7),
        10,
    ),
    "load_daily_bars": lambda: fetch_all(
        "SELECT symbol, date, close FROM daily_bars WHERE close IS NOT NULL ORDER BY symbol, date"
    ),
    "load_execution_events()": lambda: fetch_all(
        """
        SELECT week_id, event_type, account, event_data, occurred_at FROM execution_events
        WHERE event_type IN ('ENTRY', 'EXIT') ORDER BY account, occurred_at
        """
    ),
    "load_execution_events(since)": lambda: fetch_all(
        """
        SELECT week_id, event_type, account, event_data, occurred_at FROM execution_events
        WHERE account = $1 AND occurred_at >= $2 ORDER BY occurred_at
        """,
        "GROQ",
        datetime(2026, 1, 9, tzinfo=timezone.utc),
    ),
    "id of a pitch": lambda: fetch_val(
        "SELECT COUNT(id) FROM pm_pitches WHERE model = $1 AND research_date = $2", "groq", ROUND
    ),
    "v_latest_daily": lambda: view("v_latest_daily", ["symbol"]),
    "v_latest_research": lambda: view("v_latest_research", ["week_id", "provider"]),
    "v_weekly_pitches": lambda: view("v_weekly_pitches", ["week_id", "model"]),
    "v_account_history": lambda: view("v_account_history", ["occurred_at", "account"]),
    "v_leaderboard_all_time": lambda: view("v_leaderboard_all_time", ["rank"]),
    "v_leaderboard_4w": lambda: view("v_leaderboard_4w", ["rank"]),
    "v_leaderboard_8w": lambda: view("v_leaderboard_8w", ["rank"]),
    "v_council_vs_individuals": lambda: view("v_council_vs_individuals", ["account"]),
    "get_week_id": lambda: fetch_val("SELECT get_week_id()"),
}


async def all_of_them():
    for name, call in CALLS.items():
        yield name, await call()


run(all_of_them)
