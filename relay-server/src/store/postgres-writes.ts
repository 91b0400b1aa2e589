import type pg from 'pg'
import { ask, type Statement } from './postgres-connection.js'
import { reads, toInvitation } from './postgres-reads.js'
import type { Invitation } from './store.js'

/** The statements that write, each a transaction of its own, beside the commit of entries. */
export const writes = {
  compact: { name: 'compact', text: 'SELECT entente.compact($1, $2, $3, $4, $5) AS done' },
  drop: { name: 'drop', text: 'SELECT entente.drop($1::text[])' },
  forget: { name: 'forget', text: 'DELETE FROM entente.invitations WHERE expires < $1' },
  account: {
    name: 'change-account',
    text: `WITH told AS (UPDATE entente.settings SET accounts = accounts + 1)
      INSERT INTO entente.orgs (org, standing, quota_bytes, quota_docs, quota_connections) VALUES ($1, $2, $3, $4, $5)
      ON CONFLICT (org) DO UPDATE SET standing = excluded.standing, quota_bytes = excluded.quota_bytes, quota_docs = excluded.quota_docs,
        quota_connections = excluded.quota_connections`,
  },
  tryWriting: { name: 'try', text: 'UPDATE entente.settings SET tried = tried + 1' },
} as const

const lockMailbox: Statement = { name: 'lock-mailbox', text: 'SELECT pg_advisory_xact_lock(1702260341, hashtext($1))' }
const keep: Statement = {
  name: 'keep-invitation',
  text: `WITH told AS (UPDATE entente.settings SET mailboxes = mailboxes + 1)
    INSERT INTO entente.invitations (mailbox, vendor, partner, claim_hash, expires, wrong_tries, void) VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (mailbox) DO UPDATE SET vendor = excluded.vendor, partner = excluded.partner, claim_hash = excluded.claim_hash,
      expires = excluded.expires, wrong_tries = excluded.wrong_tries, void = excluded.void`,
}

/** Changes an invitation under a lock on its name, so that there is no second reader between the reading and the writing. */
export async function changeInvitation(
  client: pg.ClientBase,
  mailbox: string,
  change: (present: Invitation | undefined) => Invitation | undefined,
): Promise<{ readonly kept: Invitation | undefined; readonly isChanged: boolean }> {
  await client.query('BEGIN')
  try {
    await ask(client, lockMailbox, [mailbox])
    const present = toInvitation((await ask(client, reads.invitation, [mailbox]))[0])
    const next = change(present)
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
