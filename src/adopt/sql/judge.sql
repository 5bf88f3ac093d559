-- What the domains have to say about the documents. The program says afterwards which of the others it cannot read.
SELECT pg_temp.judge_form('research_reports', 'structured_json', 'research'),
       pg_temp.judge_form('pm_pitches', 'pitch_data', 'pitch'),
       pg_temp.judge_form('chairman_decisions', 'decision_data', 'decision'),
       pg_temp.judge_form('execution_events', 'event_data', 'event'),
       pg_temp.judge_form('logs', 'data', 'log');
