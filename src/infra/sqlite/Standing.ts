/** So many samples at most are counted one by one. */
export const uncounted = 100

/** Lets `state` know of all samples. */
export const count =
  "UPDATE state SET (waiting, last_id, last_ts, last_meter_stamp, last_meter) = (SELECT * FROM standing)"

/**
 * How many samples wait and what was taken last, in the view `standing`: `state` knows of those up to its `last_id`, the
 * later ones say it themselves. So a sample is written where it goes, and to no second page. The triggers see that
 * `state` knows of a sample before it leaves, of one that comes back under its old id, and of all that are not few.
 *
 * Together with the tables this fits into the file's first page, which is written again and again: when the file is lost
 * but not its log, what is in the log can be read.
 */
export const counting: ReadonlyArray<string> = [
  `CREATE VIEW standing AS SELECT
waiting + (SELECT count(*) FROM sample WHERE id > last_id) AS waiting, coalesce(id, last_id) AS last_id,
coalesce(ts, last_ts) AS last_ts, iif(id IS NULL, last_meter_stamp, meter_stamp) AS last_meter_stamp,
coalesce((SELECT meter FROM sample WHERE id > last_id AND meter IS NOT NULL ORDER BY id DESC LIMIT 1), last_meter) AS last_meter
FROM state LEFT JOIN sample ON id = (SELECT max(id) FROM sample WHERE id > last_id)`,
  `CREATE TRIGGER sample_taken AFTER INSERT ON sample WHEN NEW.id >= (SELECT last_id FROM state) + ${uncounted} BEGIN
${count}; END`,
  `CREATE TRIGGER sample_back AFTER INSERT ON sample WHEN NEW.id <= (SELECT last_id FROM state) BEGIN
UPDATE state SET waiting = waiting + 1; END`,
  `CREATE TRIGGER sample_leaves BEFORE DELETE ON sample WHEN OLD.id > (SELECT last_id FROM state) BEGIN
${count}; END`,
]
