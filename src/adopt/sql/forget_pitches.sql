-- They are no part of this run.
DELETE FROM pg_temp.old_pm_pitches USING pg_temp.new_pm_pitches AS new WHERE new.n = old_pm_pitches.n AND new.code = 'adopted_before';
DELETE FROM pg_temp.new_pm_pitches WHERE code = 'adopted_before';
