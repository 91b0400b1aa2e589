import type pg from 'pg'
import { append } from './append.js'
import { ask, flagOf, numberOf } from './connection.js'
import { functions } from './functions.js'

/** The version of tables and functions. A change raises it; a relay leaves a database of another version untouched. */
const postgresVersion = 1

/**
 * The tables of the larger store, in a namespace of their own. `docs` holds the row that each publish changes. Its fill factor leaves room for the next version
 * on the same page, and no index covers a column that an update changes, so that extending a doc touches no index (HOT).
 * `docs.tails` lists the sequences of the updates behind the merged state. A doc is read by their primary key, so `tails` needs no second index.
 * `docs_by_merged` covers every row; its condition only keeps it from statements that look for one doc of a feed. Sealed bytes do not compress, so EXTERNAL
 * spares the attempt.
 */
const tables = `
CREATE TABLE entente.version (version int NOT NULL);
CREATE TABLE entente.settings (
  one boolean PRIMARY KEY DEFAULT true CHECK (one), secret bytea NOT NULL, tried bigint NOT NULL DEFAULT 0, accounts bigint NOT NULL DEFAULT 0,
  mailboxes bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 20);
CREATE TABLE entente.incarnations (n int PRIMARY KEY, id bigint NOT NULL UNIQUE, copy text NOT NULL, filenode oid NOT NULL);
CREATE TABLE entente.feeds (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text COLLATE "C" NOT NULL UNIQUE, owner text COLLATE "C" NOT NULL, head bigint NOT NULL,
  incarnation int NOT NULL
) WITH (fillfactor = 50);
CREATE TABLE entente.feed_incarnations (feed int NOT NULL, n int NOT NULL, head bigint NOT NULL, PRIMARY KEY (feed, n));
CREATE TABLE entente.docs (
  feed int NOT NULL, key text COLLATE "C" NOT NULL, kind smallint NOT NULL, version bigint NOT NULL, number bigint NOT NULL,
  sequence bigint NOT NULL, merged bigint NOT NULL, bytes bigint NOT NULL, tails bigint[] NOT NULL, vector bytea NOT NULL, PRIMARY KEY (feed, key)
) WITH (fillfactor = 70);
CREATE INDEX docs_by_merged ON entente.docs (feed, merged) WHERE merged > 0;
CREATE TABLE entente.states (feed int NOT NULL, key text COLLATE "C" NOT NULL, bytes bytea NOT NULL, PRIMARY KEY (feed, key));
CREATE TABLE entente.tails (feed int NOT NULL, sequence bigint NOT NULL, key text COLLATE "C" NOT NULL, bytes bytea NOT NULL, PRIMARY KEY (feed, sequence));
CREATE TABLE entente.orgs (
  org text COLLATE "C" PRIMARY KEY, standing text NOT NULL DEFAULT 'none', quota_bytes bigint, quota_docs bigint, quota_connections bigint
);
CREATE TABLE entente.usage (
  org text COLLATE "C" NOT NULL, stripe int NOT NULL, bytes bigint NOT NULL, docs bigint NOT NULL, connections bigint NOT NULL, PRIMARY KEY (org, stripe)
) WITH (fillfactor = 50);
CREATE TABLE entente.rosters (org text COLLATE "C" PRIMARY KEY, number int NOT NULL, token text NOT NULL);
CREATE TABLE entente.invitations (
  mailbox text COLLATE "C" PRIMARY KEY, vendor text NOT NULL, partner text, claim_hash bytea NOT NULL, expires bigint NOT NULL,
  wrong_tries int NOT NULL, void boolean NOT NULL
);
CREATE INDEX invitations_by_vendor ON entente.invitations (vendor);
`

/** Everything that a new database gets, in one transaction. `secret` is hex. */
export function schemaSql(secret: string): string {
  return `CREATE SCHEMA entente; ${tables}
    ALTER TABLE entente.states ALTER COLUMN bytes SET STORAGE EXTERNAL;
    ALTER TABLE entente.tails ALTER COLUMN bytes SET STORAGE EXTERNAL;
    INSERT INTO entente.settings (secret) VALUES ('\\x${secret}');
    INSERT INTO entente.version VALUES (${postgresVersion});
    ${functions} ${append}`
}

const statements = {
  schema: { name: 'has-schema', text: "SELECT to_regclass('entente.version') IS NOT NULL AS made" },
  version: { name: 'schema-version', text: 'SELECT version FROM entente.version' },
} as const

/** The version of the store in a database, or undefined if it holds none. */
export async function findVersion(client: pg.ClientBase): Promise<number | undefined> {
  const [found] = await ask(client, statements.schema, [])
  if (!flagOf(found, 'made')) return undefined
  const [row] = await ask(client, statements.version, [])
  return numberOf(row, 'version')
}

/** @throws Error when a database holds a store of another version than the present one */
export function refuseOtherVersion(version: number): void {
  if (version === postgresVersion) return
  throw new Error(
    version > postgresVersion
      ? `The database was written by a newer relay (${version}, known here: ${postgresVersion}); start that one instead.`
      : `The database does not hold a relay's store (version ${version}).`,
  )
}
