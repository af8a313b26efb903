-- review_concentration: of the reviews that were given on this working day on changes of others, how many came from the
-- three people who gave most in that ISO week and team. Of equals the smaller number counts, so that the three are fixed.
-- Grain: one row per review. The person is the author of the change; who gave it is not told.
-- Cannot see: reviews in person, and whether the work lies in one special area at the moment.
WITH given AS (
    SELECT r.team, r.week_no, r.reviewer, CAST(COUNT(*) AS BIGINT) AS reviews
    FROM reviews_given AS r
    GROUP BY r.team, r.week_no, r.reviewer
),
ordered AS (
    SELECT g.team, g.week_no, g.reviewer, 0 - g.reviews AS fewest_last
    FROM given AS g
),
ranked AS (
    SELECT o.team, o.week_no, o.reviewer,
           CAST(ROW_NUMBER() OVER (PARTITION BY o.team, o.week_no ORDER BY o.fewest_last, o.reviewer) AS BIGINT) AS rank_no
    FROM ordered AS o
)
SELECT r.team, r.day, r.person, CAST(NULL AS VARCHAR(255)) AS item,
       1 AS n,
       CASE WHEN k.rank_no <= 3 THEN 1 ELSE 0 END AS x
FROM reviews_given AS r
INNER JOIN ranked AS k ON r.team = k.team AND r.week_no = k.week_no AND r.reviewer = k.reviewer
ORDER BY r.team, r.day, r.person
