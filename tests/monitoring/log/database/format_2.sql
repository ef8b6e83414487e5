-- A prediction log as the service of November 2026 wrote it: format 2.
PRAGMA page_size = 8192;
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA application_id = 1347186535;
PRAGMA user_version = 2;
BEGIN TRANSACTION;
CREATE TABLE business_metrics (
  name TEXT NOT NULL,
  number INTEGER NOT NULL,
  time TEXT NOT NULL,
  value REAL NOT NULL,
  PRIMARY KEY (name, number)
) STRICT, WITHOUT ROWID;
INSERT INTO "business_metrics" VALUES('revenue',1,'2026-11-20T10:00:00.000000Z',12.5);
CREATE TABLE columns (
  position INTEGER PRIMARY KEY,
  model TEXT NOT NULL,
  side TEXT NOT NULL,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  UNIQUE (model, side, name)
) STRICT;
INSERT INTO "columns" VALUES(1,'iris','input','size','number');
INSERT INTO "columns" VALUES(2,'iris','output','variety','category');
CREATE TABLE events (
  sequence INTEGER PRIMARY KEY,
  time TEXT NOT NULL,
  kind TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;
INSERT INTO "events" VALUES(1,'2026-11-20T10:00:00.000000Z','start','{"version":"1"}');
INSERT INTO "events" VALUES(1002,'2026-11-21T02:40:00.000000Z','stop','{}');
INSERT INTO "events" VALUES(1003,'2026-11-21T02:40:00.000000Z','start','{"version":"1"}');
INSERT INTO "events" VALUES(1004,'2026-11-21T02:40:00.000000Z','stop','{}');
INSERT INTO "events" VALUES(1005,'2026-11-21T02:40:00.000000Z','start','{"version":"1"}');
CREATE TABLE feedback (
  sequence INTEGER NOT NULL REFERENCES requests ON DELETE CASCADE,
  row INTEGER NOT NULL,
  time TEXT NOT NULL,
  value TEXT NOT NULL,
  total INTEGER NOT NULL,
  sample INTEGER NOT NULL,
  PRIMARY KEY (sequence, row)
) STRICT, WITHOUT ROWID;
INSERT INTO "feedback" VALUES(1,0,'2026-11-20T10:00:00.000000Z','"Setosa"',1,0);
CREATE TABLE feedback_totals (
  id INTEGER PRIMARY KEY,
  model TEXT NOT NULL,
  version TEXT NOT NULL,
  rows INTEGER NOT NULL,
  time TEXT NOT NULL,
  asked INTEGER NOT NULL,
  changes INTEGER NOT NULL,
  UNIQUE (model, version)
) STRICT;
INSERT INTO "feedback_totals" VALUES(1,'iris','v1',1,'2026-11-20T10:00:00.000000Z',0,1);
CREATE TABLE leases (
  sequence INTEGER NOT NULL REFERENCES requests ON DELETE CASCADE,
  row INTEGER NOT NULL,
  time TEXT NOT NULL,
  until TEXT NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (sequence, row)
) STRICT, WITHOUT ROWID;
INSERT INTO "leases" VALUES(2,0,'2026-11-20T10:00:00.000000Z','2026-11-20T10:01:00.000000Z','random');
CREATE TABLE log (id TEXT NOT NULL) STRICT;
INSERT INTO "log" VALUES('18CBA05A05FCB0B28BAD08F145ECF96C');
CREATE TABLE requests (
  sequence INTEGER PRIMARY KEY,
  request_id TEXT NOT NULL,
  time TEXT NOT NULL,
  model TEXT NOT NULL,
  version TEXT NOT NULL,
  rows INTEGER NOT NULL,
  seconds REAL NOT NULL,
  inputs TEXT,
  outputs TEXT
) STRICT;
INSERT INTO "requests" VALUES(1,'r0','2026-11-20T10:00:00.000000Z','iris','v1',1,0.1,'[{"size":0}]','[{"variety":"Setosa"}]');
INSERT INTO "requests" VALUES(2,'r1','2026-11-20T10:00:00.000000Z','iris','v1',1,0.1,'[{"size":1}]','[{"variety":"Setosa"}]');
INSERT INTO "requests" VALUES(3,'r2','2026-11-20T10:00:00.000000Z','iris','v2',1,0.1,'[{"size":2}]','[{"variety":"Setosa"}]');
CREATE TABLE totals (
  model TEXT NOT NULL,
  version TEXT NOT NULL,
  outcome TEXT NOT NULL,
  requests INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  removed_requests INTEGER NOT NULL DEFAULT 0,
  removed_rows INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (model, version, outcome)
) STRICT, WITHOUT ROWID;
INSERT INTO "totals" VALUES('iris','v1','answered',2,2,0,0);
INSERT INTO "totals" VALUES('iris','v2','answered',1,1,0,0);
CREATE INDEX requests_by_request_id ON requests (request_id);
CREATE INDEX requests_by_time ON requests (time);
CREATE INDEX feedback_by_total ON feedback (total, sample);
CREATE VIEW "rows_iris" AS SELECT
  r.sequence, r.request_id, r.time, r.model, r.version,
  json_extract(p.value, '$[0]') AS row,
  iif(typeof(json_extract(p.value, '$[1]."size"')) = 'integer', CAST(json_extract(p.value, '$[1]."size"') AS REAL), json_extract(p.value, '$[1]."size"')) AS "size",
  json_extract(p.value, '$[2]."variety"') AS "variety",
  json_extract(p.value, '$[2].probabilities') AS probabilities,
  (
    SELECT json_extract(f.value, '$') FROM feedback AS f
    WHERE f.sequence = r.sequence AND f.row = json_extract(p.value, '$[0]')
  ) AS true_value
FROM requests AS r,
  json_each((
    SELECT '[' || group_concat('[' || number || ',' || inputs || ',' || outputs || ']') || ']'
    FROM (
      SELECT key AS number, coalesce(max(input), '{}') AS inputs, coalesce(max(output), '{}')
        AS outputs
      FROM (
        SELECT key, value AS input, NULL AS output FROM json_each(
          iif(json_type(r.inputs) = 'object', '[' || r.inputs || ']', r.inputs))
        UNION ALL
        SELECT key, NULL, value FROM json_each(
          iif(json_type(r.outputs) = 'object', '[' || r.outputs || ']', r.outputs))
      ) GROUP BY key
    )
  )) AS p
WHERE r.model = 'iris';
-- A thousand refusals, one a minute, numbered on from the first start.
WITH RECURSIVE minutes(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM minutes WHERE n < 1000)
INSERT INTO events SELECT n + 1, strftime('%Y-%m-%dT%H:%M:00.000000Z', '2026-11-20 10:00', n || ' minutes'),
  'model-refused', '{"model":"iris","version":"v3","reason":"The golden rows differ."}' FROM minutes;
COMMIT;
