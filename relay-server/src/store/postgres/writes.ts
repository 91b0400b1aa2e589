import type pg from 'pg'
import { ask, numberOf, type PostgresStatement } from './connection.js'
import { reads, toInvitation } from './reads.js'
import type { Invitation } from '../store.js'

/** The statements that write, except the commit of entries; each is a transaction of its own. */
export const writes = {
  compact: { name: 'compact', text: 'SELECT entente.compact($1, $2, $3, $4, $5) AS done' },
  drop: { name: 'drop', text: 'SELECT entente.drop($1::text[])' },
  forget: { name: 'forget', text: 'DELETE FROM entente.invitations WHERE expires < $1' },
  account: {
    name: 'change-account',
    // Each bound is a pair: whether it changes, and its new value.
    text: `WITH changed AS (
        INSERT INTO entente.orgs AS o (org, standing, quota_bytes, quota_docs, quota_connections)
        SELECT $1::text, coalesce($2::text, 'none'), $5::bigint, $7::bigint, $9::bigint
          WHERE coalesce($3::text, 'none') = 'none' OR EXISTS (SELECT FROM entente.orgs WHERE org = $1)
        ON CONFLICT (org) DO UPDATE SET standing = coalesce($2, o.standing),
          quota_bytes = CASE WHEN $4::boolean THEN $5 ELSE o.quota_bytes END, quota_docs = CASE WHEN $6::boolean THEN $7 ELSE o.quota_docs END,
          quota_connections = CASE WHEN $8::boolean THEN $9 ELSE o.quota_connections END WHERE $3 IS NULL OR o.standing = $3
        RETURNING o.org),
      revised AS (UPDATE entente.settings SET accounts = accounts + 1 WHERE EXISTS (SELECT FROM changed))
      SELECT count(*) > 0 AS done FROM changed`,
  },
  roster: {
    name: 'keep-roster',
    text: `WITH kept AS (
        INSERT INTO entente.rosters AS r (org, number, token) VALUES ($1, $2, $3)
        ON CONFLICT (org) DO UPDATE SET number = excluded.number, token = excluded.token WHERE r.number < excluded.number RETURNING org)
      SELECT count(*) > 0 AS done FROM kept`,
  },
  tryWriting: { name: 'try', text: 'UPDATE entente.settings SET tried = tried + 1' },
} as const

const lockMailbox: PostgresStatement = { name: 'lock-mailbox', text: 'SELECT pg_advisory_xact_lock(1702260341, hashtext($1))' }
const lockVendor: PostgresStatement = { name: 'lock-vendor', text: 'SELECT pg_advisory_xact_lock(1702260342, hashtext($1))' }
const invitationsOf: PostgresStatement = {
  name: 'invitations-of',
  text: 'SELECT count(*) AS kept FROM (SELECT FROM entente.invitations WHERE vendor = $1 LIMIT $2) i',
}
const keep: PostgresStatement = {
  name: 'keep-invitation',
  text: `WITH revised AS (UPDATE entente.settings SET mailboxes = mailboxes + 1)
    INSERT INTO entente.invitations (mailbox, vendor, partner, claim_hash, expires, wrong_tries, void) VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (mailbox) DO UPDATE SET vendor = excluded.vendor, partner = excluded.partner, claim_hash = excluded.claim_hash,
      expires = excluded.expires, wrong_tries = excluded.wrong_tries, void = excluded.void`,
}

export interface ChangedInvitation {
  readonly kept: Invitation | undefined
  readonly isChanged: boolean
}

/** Changes an invitation under a lock on its name, so that no other transaction reads it between the read and the write. */
export function changeInvitation(
  client: pg.ClientBase,
  mailbox: string,
  change: (present: Invitation | undefined) => Invitation | undefined,
): Promise<ChangedInvitation> {
  return inTurn(client, mailbox, async (present) => change(present))
}

/** Adds an invitation if there is none, under a lock on its vendor too, so that two concurrent ones cannot both take the vendor's last place. */
export function addInvitation(client: pg.ClientBase, invitation: Invitation, most: number): Promise<ChangedInvitation> {
  return inTurn(client, invitation.mailbox, async (present) => {
    if (present) return undefined
    await ask(client, lockVendor, [invitation.vendor])
    const [row] = await ask(client, invitationsOf, [invitation.vendor, most])
    return numberOf(row, 'kept') < most ? invitation : undefined
  })
}

async function inTurn(
  client: pg.ClientBase,
  mailbox: string,
  change: (present: Invitation | undefined) => Promise<Invitation | undefined>,
): Promise<ChangedInvitation> {
  await client.query('BEGIN')
  try {
    await ask(client, lockMailbox, [mailbox])
    const present = toInvitation((await ask(client, reads.invitation, [mailbox]))[0])
    const next = await change(present)
    if (!next) {
      await client.query('ROLLBACK')
      return { kept: present, isChanged: false }
    }
    const { vendor, partner, claimHash, expires, wrongTries, isVoid } = next
    await ask(client, keep, [mailbox, vendor, partner ?? null, Buffer.from(claimHash), expires, wrongTries, isVoid])
    await client.query('COMMIT')
    return { kept: next, isChanged: true }
  } catch (error) {
    await client.query('ROLLBACK')
    throw error
  }
}
