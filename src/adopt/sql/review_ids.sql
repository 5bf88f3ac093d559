-- The same for reviews.
UPDATE pg_temp.new_peer_reviews AS new SET id = made.id
FROM pg_temp.made_id AS made
WHERE made.wanted = 'peer_reviews' AND made.n = new.n AND new.id IS NULL;
