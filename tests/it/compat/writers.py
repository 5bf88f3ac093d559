"""Writers as the Python layer had them: a week of the council, its journal, the market."""

import json
import sys
from datetime import date, datetime, timezone
from decimal import Decimal

import psycopg2
from psycopg2.extras import Json

from layer import execute, execute_many, fetch_one, fetch_val, run, transaction

ROUND = datetime(2026, 1, 7, 13, 30, tzinfo=timezone.utc)


def pitch(week, model, instrument, conviction):
    direction = "LONG" if conviction > 0 else "SHORT" if conviction < 0 else "FLAT"
    return {
        "week_id": week,
        "model": model,
        "pm_model": model,
        "asof_et": f"{week}T08:00:00-05:00",
        "selected_instrument": instrument,
        "direction": direction,
        "horizon": "1W",
        "conviction": conviction,
        "risk_profile": "BASE" if conviction else None,
        "thesis_bullets": ["Rates: policy supports it"],
        "entry_policy": {"mode": "limit" if conviction else "NONE", "limit_price": None},
        "exit_policy": {"time_stop_days": 7, "stop_loss_pct": 0.015, "take_profit_pct": 0.025, "exit_before_events": []}
        if conviction
        else None,
        "consensus_map": {},
        "risk_notes": "none",
        "timestamp": f"{week}T13:00:00Z",
        "model_info": {"account": model.upper()},
    }


async def save_pitches(week, pitches, research_date):
    """Each statement on a connection of its own, committed by itself: first away with the old pitch, then in with the new one."""
    for one in pitches:
        await execute("DELETE FROM pm_pitches WHERE research_date = $1 AND model = $2", research_date, one["model"])
        await execute(
            """
            INSERT INTO pm_pitches
                (week_id, model, account, pitch_data, instrument, direction, conviction, research_date, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NOW())
            """,
            week,
            one["model"],
            one["model_info"]["account"],
            json.dumps(one),
            one["selected_instrument"],
            one["direction"],
            float(one["conviction"]),
            research_date,
        )


async def save_peer_reviews(week, reviews, research_date):
    found = []
    for reviewer, label, model, mark in reviews:
        row = await fetch_one(
            "SELECT id FROM pm_pitches WHERE model = $1 AND research_date = $2", model, research_date
        )
        found.append((reviewer, label, row["id"], mark))
    await execute("DELETE FROM peer_reviews WHERE research_date = $1", research_date)
    names = [
        "clarity",
        "edge_plausibility",
        "timing_catalyst",
        "risk_definition",
        "risk_management",
        "originality",
        "tradeability",
    ]
    for reviewer, label, pitch_id, mark in found:
        review = {
            "pitch_label": label,
            "scores": {name: mark for name in names},
            "average_score": mark,
            "best_argument_against": "priced in",
            "one_flip_condition": "CPI above 0.4 %",
            "suggested_fix": "wait",
        }
        await execute(
            """
            INSERT INTO peer_reviews
                (week_id, pitch_id, reviewer_model, pitch_label, review_data, research_date, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, NOW())
            """,
            week,
            pitch_id,
            reviewer,
            label,
            json.dumps(review),
            research_date,
        )


async def save_chairman_decision(week, instrument, research_date):
    decision = {
        "decision_id": "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
        "week_id": week,
        "selected_trade": {"instrument": instrument, "direction": "LONG", "horizon": "1w"},
        "conviction": 1.5,
        "rationale": "three of five models agree",
        "dissent_summary": [],
        "monitoring_plan": {"checkpoints": ["09:00"], "key_conditions": [], "invalidation_triggers": ["CPI"]},
    }
    await execute("DELETE FROM chairman_decisions WHERE research_date = $1", research_date)
    await execute(
        "INSERT INTO chairman_decisions (week_id, decision_data, research_date, created_at) VALUES ($1, $2, $3, NOW())",
        week,
        json.dumps(decision),
        research_date,
    )


async def log_execution_event(week, event_type, account, data, occurred_at):
    return await fetch_val(
        """
        INSERT INTO execution_events (week_id, event_type, account, event_data, occurred_at, created_at)
        VALUES ($1, $2, $3, $4, $5, NOW())
        RETURNING id
        """,
        week,
        event_type,
        account,
        json.dumps(data),
        occurred_at,
    )


async def save_research(week, provider, status, generated_at):
    return await fetch_val(
        """
        INSERT INTO research_reports
            (week_id, provider, model, natural_language, structured_json, status, error_message, generated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        RETURNING id
        """,
        week,
        provider,
        "sonar",
        "The market is calm.",
        json.dumps({"macro_regime": {"risk_mode": "RISK_ON"}}),
        status,
        None,
        generated_at,
    )


def backfill_graphs():
    """The one script that stayed with psycopg2."""
    conn = psycopg2.connect(sys.argv[1])
    try:
        with conn, conn.cursor() as cursor:
            cursor.execute("SELECT id, structured_json FROM research_reports WHERE status = %s", ("complete",))
            rows = cursor.fetchall()
            for report, document in rows:
                document["weekly_graph"] = {"series": [1, 2, 3]}
                cursor.execute(
                    "UPDATE research_reports SET structured_json = %s WHERE id = %s", (Json(document), report)
                )
        return len(rows)
    finally:
        conn.close()


async def save_market():
    days = [date(2026, 1, day) for day in (5, 6, 7)]
    for symbol, base in (("SPY", 600), ("QQQ", 500), ("TLT", 90)):
        for n, day in enumerate(days):
            for close in (base, base + n):
                await execute(
                    """
                    INSERT INTO daily_bars (symbol, date, open, high, low, close, volume, created_at)
                    VALUES ($1, $2, $3, $4, $5, $6, $7, NOW())
                    ON CONFLICT (symbol, date) DO UPDATE
                    SET open = EXCLUDED.open, high = EXCLUDED.high, low = EXCLUDED.low, close = EXCLUDED.close,
                        volume = EXCLUDED.volume, created_at = NOW()
                    """,
                    symbol,
                    day,
                    Decimal(base),
                    Decimal(base + 5),
                    Decimal(base - 5),
                    Decimal(close),
                    1000 + n,
                )
        await execute(
            """
            INSERT INTO hourly_snapshots (symbol, timestamp, date, hour, price, volume)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (symbol, timestamp) DO UPDATE SET price = EXCLUDED.price, volume = EXCLUDED.volume
            """,
            symbol,
            datetime(2026, 1, 7, 15, 0, tzinfo=timezone.utc),
            days[-1],
            10,
            Decimal(base) + Decimal("0.25"),
            77,
        )
    for table, column in (("daily_log_returns", "log_return"), ("rolling_7day_log_returns", "log_return_7d")):
        await execute_many(
            f"""
            INSERT INTO {table} (symbol, date, {column}) VALUES ($1, $2, $3)
            ON CONFLICT (symbol, date) DO UPDATE SET {column} = EXCLUDED.{column}, created_at = NOW()
            """,
            [(symbol, days[-1], Decimal(value)) for symbol, value in (("SPY", "0.01"), ("QQQ", "-0.02"))],
        )
    pairs = [(a, b, Decimal(1) if a == b else Decimal("0.5")) for a in ("QQQ", "SPY") for b in ("QQQ", "SPY")]
    for factor in (Decimal("0.5"), Decimal(1)):
        await execute_many(
            """
            INSERT INTO correlation_matrix (date, symbol_1, symbol_2, correlation) VALUES ($1, $2, $3, $4)
            ON CONFLICT (date, symbol_1, symbol_2) DO UPDATE
            SET correlation = EXCLUDED.correlation, created_at = NOW()
            """,
            [(days[-1], a, b, r * factor) for a, b, r in pairs],
        )
    for kind in ("seed", "daily_close", "hourly_snapshot"):
        for status, message in (("success", None), ("error", "timed out")):
            await execute(
                "INSERT INTO fetch_log (fetch_type, symbol, status, error_message) VALUES ($1, $2, $3, $4)",
                kind,
                "SPY",
                status,
                message,
            )


async def save_performance():
    at = datetime(2026, 1, 20, 12, 0, tzinfo=timezone.utc)
    accounts = [("COUNCIL", "0.05"), ("GROQ", "0.08"), ("GEMINI", "-0.03"), ("BASELINE", "0")]
    for lookback in (None, 4, 8, 12):
        for account, total in accounts:
            # For all time the old key takes another row each time.
            for total in ([total] if lookback is None else ["0.5", total]):
                await execute(
                    """
                    INSERT INTO account_performance
                        (account, weeks_lookback, total_return, sharpe_ratio, max_drawdown, volatility, weeks_traded,
                         profitable_weeks, win_rate, avg_conviction, max_conviction, calculated_at)
                    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
                    ON CONFLICT (account, weeks_lookback) DO UPDATE
                    SET total_return = EXCLUDED.total_return, calculated_at = EXCLUDED.calculated_at, updated_at = NOW()
                    """,
                    account,
                    lookback,
                    Decimal(total),
                    Decimal("1.25"),
                    Decimal("-0.02"),
                    Decimal("0.1"),
                    2,
                    1,
                    Decimal("0.5"),
                    Decimal("1.5"),
                    Decimal("2"),
                    at,
                )


async def all_of_it():
    week, earlier = "2026-01-07", "2025-12-31"
    before = datetime(2025, 12, 31, 13, 30, tzinfo=timezone.utc)
    await save_pitches(earlier, [pitch(earlier, "groq", "TLT", 0.5)], before)
    for conviction in (1, 1.5):
        pitches = [
            pitch(week, "groq", "SPY", conviction),
            pitch(week, "gemini", "QQQ", -2),
            pitch(week, "claude", "FLAT", 0),
        ]
        await save_pitches(week, pitches, ROUND)
    reviews = [("gemini", "Pitch A", "groq", 7), ("claude", "Pitch A", "groq", 6), ("groq", "Pitch B", "gemini", 5)]
    for _ in range(2):
        await save_peer_reviews(week, reviews, ROUND)
    for instrument in ("TLT", "SPY"):
        await save_chairman_decision(week, instrument, ROUND)
    entry = {"price": 601.25, "direction": "LONG", "conviction": 1.5, "instrument": "SPY"}
    for n, (kind, data) in enumerate(
        [("ENTRY", entry), ("note", {"text": "held", "n": [1, 2]}), ("EXIT", {"price": 605.5})]
    ):
        for account in ("GROQ", "COUNCIL"):
            at = datetime(2026, 1, 8 + n, 15, 0, tzinfo=timezone.utc)
            await log_execution_event(week, kind, account, data, at)
    await log_execution_event(earlier, "note", "GROQ", {"text": "first"}, before)
    for n, (provider, status) in enumerate(
        [("perplexity", "complete"), ("gemini", "complete"), ("gemini", "error"), ("perplexity", "pending")]
    ):
        at = datetime(2026, 1, 7, 10 + n, 0, tzinfo=timezone.utc)
        await save_research(week if n < 3 else earlier, provider, status, at)
    await save_market()
    await save_performance()
    async with transaction() as conn:
        await conn.execute("INSERT INTO logs (level, message, data) VALUES ($1, $2, $3)", "INFO", "up", json.dumps({"n": 1}))
        await conn.execute("INSERT INTO users (name, email, active, age) VALUES ($1, $2, $3, $4)", "Ann", "ann@example.org", True, 41)
        await conn.execute("INSERT INTO accounts (balance) VALUES ($1)", Decimal("100.25"))
    yield "graphs", backfill_graphs()


async def pitches_again(conviction):
    """Saves a pitch of the round once more, as a run of the pipeline that is repeated."""
    week = "2026-01-07"
    try:
        await save_pitches(week, [pitch(week, "groq", "SPY", float(conviction))], ROUND)
        yield "saved", True
    except Exception as error:
        yield "failed", str(error)


async def reviews_again():
    try:
        await save_peer_reviews("2026-01-07", [("gemini", "Pitch A", "groq", 8)], ROUND)
        yield "saved", True
    except Exception as error:
        yield "failed", str(error)


async def decision_again():
    try:
        await save_chairman_decision("2026-01-07", "QQQ", ROUND)
        yield "saved", True
    except Exception as error:
        yield "failed", str(error)


async def events(account, count):
    """A service at work: an event after the other, until `count` are written."""
    for n in range(int(count)):
        at = datetime(2026, 1, 9, 15, n // 60, n % 60, tzinfo=timezone.utc)
        yield "event", await log_execution_event("2026-01-07", "note", account, {"n": n}, at)


WORK = {work.__name__: work for work in (all_of_it, pitches_again, reviews_again, decision_again, events)}

run(lambda name, *args: WORK[name](*args))
