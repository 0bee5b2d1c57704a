"""The steps that make a database from nothing to today. A released step is never edited; the next one repairs it.

sqlite-utils applies each step inside a transaction and remembers it. Statements run one by one: `executescript` would
commit in the middle of a step.
"""

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

MIGRATIONS = Migrations("curator")


def _run(db: Database, script: str) -> None:
    for statement in script.split(";\n"):
        if statement.strip():
            db.conn.execute(statement)


@MIGRATIONS(name="0001_images_and_annotations")
def images_and_annotations(db: Database) -> None:
    """People, imports, images, annotations."""
    _run(
        db,
        """
        CREATE TABLE users (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            role TEXT NOT NULL CHECK (role IN ('annotator', 'reviewer', 'admin', 'machine')),
            is_disabled INTEGER NOT NULL DEFAULT 0,
            created_at TEXT NOT NULL
        ) STRICT;

        CREATE TABLE imports (                                  -- one row a file or folder taken in
            id INTEGER PRIMARY KEY,
            format TEXT NOT NULL,
            file_name TEXT NOT NULL,
            actor_id INTEGER NOT NULL REFERENCES users(id),
            counts TEXT NOT NULL,                               -- JSON: added, updated, unchanged, refused, flagged
            created_at TEXT NOT NULL                            -- UTC, ISO 8601
        ) STRICT;

        CREATE TABLE images (
            id INTEGER PRIMARY KEY,
            source TEXT NOT NULL,                               -- 'danbooru', 'file', ...
            source_id TEXT NOT NULL,                            -- the post's id there
            file_name TEXT NOT NULL,
            width INTEGER,                                      -- of the frame the coordinates live in; NULL: unknown
            height INTEGER,
            fit_wh TEXT,                                        -- '800x600': the original was shrunk into this frame
            digest TEXT,                                        -- SHA-256 of the record's picture; NULL: unknown
            media_type TEXT,
            shown_as TEXT,                                      -- media type of the copy that browsers need; NULL: none
            link_path TEXT,                                     -- relative to the project; NULL: bytes lie in blobs/
            original_md5 TEXT,
            original_width INTEGER,
            original_height INTEGER,
            resampler TEXT,                                     -- what shrunk it; NULL: not shrunk by us
            artist TEXT,
            licence TEXT,
            rating TEXT,
            rating_scheme TEXT,
            flags TEXT NOT NULL DEFAULT '[]',                   -- JSON list of words
            other TEXT NOT NULL DEFAULT '{}',                   -- JSON: fields of the source that we do not know
            import_id INTEGER REFERENCES imports(id),
            created_at TEXT NOT NULL,
            UNIQUE (source, source_id)
        ) STRICT;

        CREATE INDEX images_by_digest ON images(digest) WHERE digest IS NOT NULL;

        CREATE TABLE annotations (                              -- one character on one image
            id INTEGER PRIMARY KEY,
            image_id INTEGER NOT NULL REFERENCES images(id),
            position INTEGER NOT NULL,                          -- 0, 1, ... among the image's annotations
            points TEXT NOT NULL,                               -- JSON: 17 of [x, y] or null, numbers as they came
            states TEXT NOT NULL CHECK (length(states) = 17),   -- a letter a keypoint: u v h a
            sources TEXT NOT NULL CHECK (length(sources) = 17), -- a letter a keypoint: - i m p c j
            extras TEXT NOT NULL DEFAULT '{}',                  -- JSON: name -> [x, y]
            bbox_xywh TEXT,                                     -- JSON: [x, y, w, h]
            box_source TEXT NOT NULL DEFAULT 'none',
            box_confirmed INTEGER NOT NULL DEFAULT 0,
            segmentation TEXT,                                  -- JSON: COCO polygons or RLE, verbatim
            area REAL,
            is_crowd INTEGER NOT NULL DEFAULT 0,
            source_id TEXT,                                     -- the annotation's id in the file it came from
            other TEXT NOT NULL DEFAULT '{}',
            is_available INTEGER NOT NULL DEFAULT 0,            -- its image has bytes and is not removed
            version INTEGER NOT NULL DEFAULT 1,
            import_id INTEGER REFERENCES imports(id),
            created_at TEXT NOT NULL,
            UNIQUE (image_id, position)
        ) STRICT;

        CREATE INDEX annotations_face_open ON annotations(id)   -- the queue 'face': see queues.py for the same words
            WHERE is_available = 1 AND is_crowd = 0 AND instr(substr(states, 2, 4), 'u') > 0;
        """,
    )


@MIGRATIONS(name="0002_changes")
def changes(db: Database) -> None:
    """What people and machines said: revisions, predictions, confirmations, skips, removals."""
    _run(
        db,
        """
        CREATE TABLE revisions (                                -- append-only: one row a change
            id INTEGER PRIMARY KEY,
            change_id TEXT NOT NULL UNIQUE,                     -- made by the client: a repeated request is recognised
            image_id INTEGER NOT NULL REFERENCES images(id),
            annotation_id INTEGER REFERENCES annotations(id),   -- NULL: the change is about the image
            action TEXT NOT NULL,                               -- change, confirm, skip, remove, import, ...
            base_version INTEGER NOT NULL,                      -- the row version that the person was looking at
            version INTEGER NOT NULL,                           -- the row version after it
            actor_id INTEGER NOT NULL REFERENCES users(id),
            before TEXT NOT NULL,                               -- JSON of the changed fields only
            after TEXT NOT NULL,
            undoes TEXT,                                        -- change_id of what this takes back
            created_at TEXT NOT NULL
        ) STRICT;

        CREATE INDEX revisions_by_annotation ON revisions(annotation_id, id);
        CREATE INDEX revisions_by_image ON revisions(image_id, id);

        CREATE TRIGGER revisions_stay BEFORE UPDATE ON revisions
        BEGIN SELECT RAISE(ABORT, 'revisions are append-only'); END;

        CREATE TRIGGER revisions_remain BEFORE DELETE ON revisions
        BEGIN SELECT RAISE(ABORT, 'revisions are append-only'); END;

        CREATE TABLE predictions (                              -- what one model said of one annotation; never edited
            id INTEGER PRIMARY KEY,
            image_id INTEGER NOT NULL REFERENCES images(id),
            annotation_id INTEGER REFERENCES annotations(id),
            model TEXT NOT NULL,
            model_version TEXT NOT NULL,
            keypoints TEXT NOT NULL,                            -- JSON: name -> {x, y, state, score}
            box TEXT,                                           -- JSON: {bbox_xywh, source}
            created_at TEXT NOT NULL
        ) STRICT;

        CREATE INDEX predictions_by_annotation ON predictions(annotation_id, model, id);

        CREATE TABLE confirmations (                            -- what a person saw and did on one task
            id INTEGER PRIMARY KEY,
            revision_id INTEGER NOT NULL UNIQUE REFERENCES revisions(id),
            annotation_id INTEGER NOT NULL REFERENCES annotations(id),
            queue TEXT NOT NULL,
            actor_id INTEGER NOT NULL REFERENCES users(id),
            shown TEXT NOT NULL,                                -- JSON: the prediction as it was shown, or null
            moved TEXT NOT NULL,                                -- JSON: keypoint -> pixels from what was shown
            active_ms INTEGER NOT NULL,
            created_at TEXT NOT NULL
        ) STRICT;

        CREATE INDEX confirmations_by_annotation ON confirmations(annotation_id, id);

        CREATE TABLE skips (                                    -- set aside in a queue, with a reason
            annotation_id INTEGER NOT NULL REFERENCES annotations(id),
            queue TEXT NOT NULL,
            reason TEXT NOT NULL,
            revision_id INTEGER NOT NULL REFERENCES revisions(id),
            PRIMARY KEY (annotation_id, queue)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE removals (                                 -- out of the dataset, until restored
            image_id INTEGER PRIMARY KEY REFERENCES images(id),
            reason TEXT NOT NULL,
            revision_id INTEGER NOT NULL REFERENCES revisions(id)
        ) STRICT;
        """,
    )
    now = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
    db.conn.execute(f"INSERT INTO users (id, name, role, created_at) VALUES (1, 'local', 'admin', {now})")
    db.conn.execute(f"INSERT INTO users (id, name, role, created_at) VALUES (2, 'import', 'machine', {now})")


@MIGRATIONS(name="0003_state_counts")
def state_counts(db: Database) -> None:
    """Annotations counted by their pattern of states, kept by triggers: queue sizes without walking the table."""
    _run(
        db,
        """
        CREATE TABLE state_counts (
            states TEXT NOT NULL,
            is_crowd INTEGER NOT NULL,
            is_available INTEGER NOT NULL,
            n INTEGER NOT NULL,
            PRIMARY KEY (states, is_crowd, is_available)
        ) STRICT, WITHOUT ROWID;

        INSERT INTO state_counts SELECT states, is_crowd, is_available, count(*) FROM annotations GROUP BY 1, 2, 3;

        CREATE TRIGGER annotations_come AFTER INSERT ON annotations
        BEGIN INSERT INTO state_counts VALUES (new.states, new.is_crowd, new.is_available, 1)
            ON CONFLICT DO UPDATE SET n = n + 1; END;

        CREATE TRIGGER annotations_leave_a_state AFTER UPDATE OF states, is_crowd, is_available ON annotations
        BEGIN UPDATE state_counts SET n = n - 1
            WHERE (states, is_crowd, is_available) = (old.states, old.is_crowd, old.is_available); END;

        CREATE TRIGGER annotations_take_a_state AFTER UPDATE OF states, is_crowd, is_available ON annotations
        BEGIN INSERT INTO state_counts VALUES (new.states, new.is_crowd, new.is_available, 1)
            ON CONFLICT DO UPDATE SET n = n + 1; END;
        """,
    )


@MIGRATIONS(name="0004_rulebook")
def rulebook(db: Database) -> None:
    """Tags and what Danbooru says of them, posts in packed chunks, the log and the versions of the rulebook."""
    _run(
        db,
        """
        CREATE TABLE tags (                                     -- a raw tag's number, given once and never again
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            category TEXT NOT NULL DEFAULT 'unknown'            -- as posts told it; a tag table knows better
        ) STRICT;

        CREATE TABLE tag_tables (                               -- what Danbooru said of all tags on one day
            id INTEGER PRIMARY KEY,
            file_name TEXT NOT NULL,
            date TEXT NOT NULL,                                 -- ISO 8601
            digest TEXT NOT NULL UNIQUE,                        -- of names, categories, counts and aliases
            num_tags INTEGER NOT NULL,
            content BLOB NOT NULL,                              -- zstd of MessagePack: tags and aliases
            import_id INTEGER REFERENCES imports(id),
            created_at TEXT NOT NULL
        ) STRICT;

        CREATE TABLE tag_relations (                            -- active ones only
            kind TEXT NOT NULL CHECK (kind IN ('alias', 'implication')),
            antecedent_id INTEGER NOT NULL REFERENCES tags(id),
            consequent_id INTEGER NOT NULL REFERENCES tags(id),
            import_id INTEGER REFERENCES imports(id),
            PRIMARY KEY (kind, antecedent_id, consequent_id)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE post_chunks (                              -- posts whose id >> 16 is this id
            id INTEGER PRIMARY KEY,
            num_posts INTEGER NOT NULL,
            digest TEXT NOT NULL,                               -- SHA-256 of content
            content BLOB NOT NULL                               -- zstd of MessagePack: columns, a roaring bitmap a tag
        ) STRICT;

        CREATE TABLE rulebook_changes (                         -- append-only: the working rulebook is its replay
            version INTEGER PRIMARY KEY,                        -- 1, 2, 3, ... without a gap
            change_id TEXT NOT NULL UNIQUE,                     -- made by the client: a repeated request is recognised
            action TEXT NOT NULL CHECK (action IN ('start', 'edit', 'undo', 'redo', 'import', 'merge')),
            base_version INTEGER NOT NULL,                      -- the version that the person was looking at
            actor_id INTEGER NOT NULL REFERENCES users(id),
            words TEXT NOT NULL,
            edit TEXT,                                          -- JSON; NULL: the snapshot is the change
            undo TEXT,                                          -- JSON of the edit that takes it back
            touched TEXT NOT NULL,                              -- JSON: names of classes that read otherwise after it
            about TEXT REFERENCES rulebook_changes(change_id),  -- what an undo takes back, what a redo does again
            digest TEXT NOT NULL,                               -- of the rulebook after it
            snapshot BLOB,                                      -- zstd of its TOML; NULL: replay from an earlier one
            created_at TEXT NOT NULL
        ) STRICT;

        CREATE TRIGGER rulebook_changes_stay BEFORE UPDATE ON rulebook_changes
        BEGIN SELECT RAISE(ABORT, 'rulebook changes are append-only'); END;

        CREATE TRIGGER rulebook_changes_remain BEFORE DELETE ON rulebook_changes
        BEGIN SELECT RAISE(ABORT, 'rulebook changes are append-only'); END;

        CREATE TABLE rulebook_versions (                        -- published: text and lock in one row, whole or absent
            number INTEGER PRIMARY KEY,
            change_id TEXT NOT NULL UNIQUE,
            at_version INTEGER NOT NULL REFERENCES rulebook_changes(version),
            actor_id INTEGER NOT NULL REFERENCES users(id),
            message TEXT NOT NULL,
            digest TEXT NOT NULL,
            toml BLOB NOT NULL,                                 -- zstd
            lock BLOB NOT NULL,
            created_at TEXT NOT NULL
        ) STRICT;

        CREATE TRIGGER rulebook_versions_stay BEFORE UPDATE ON rulebook_versions
        BEGIN SELECT RAISE(ABORT, 'published versions are never changed'); END;

        CREATE TRIGGER rulebook_versions_remain BEFORE DELETE ON rulebook_versions
        BEGIN SELECT RAISE(ABORT, 'published versions are never changed'); END;
        """,
    )
