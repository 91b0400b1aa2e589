import { type ConnectionId, type Key, parseKey } from '@entente/protocol'
import { toBase64UrlEncoded } from 'lib0/buffer'
import * as v from 'valibot'
import type { AgreementsApi, WishView } from '../api/index.js'
import {
  type ConnectionFacts,
  enabledConnections,
  messageEdit,
  messageId,
  requireConnection,
  whileConnected,
} from '../connect/connection-facts.js'
import { readDecision, Refusals } from '../connect/peer-decision.js'
import type { EngineContext } from '../context.js'
import { EngineError } from '../error.js'
import { PendingMessages, type Reaction } from '../connect/pending-messages.js'
import type { Reconciler } from '../reconcilers.js'
import { instant } from '../schema/numbers.js'
import { isWellFormed } from '../schema/value.js'
import { type Row, valueOf } from '../row/row.js'
import type { RowEdit, RowReader } from '../row/rows.js'

// The partner asks for a field, and the vendor offers it or declines (rules WI1 and WI2). The fields that the vendor has and does not offer are not known to the
// partner, so it asks in its own words.

const prefix = 'wish.'
const wishKey = (id: string): Key => parseKey(prefix + id)

/** Wishes of one connection that are kept at a time. */
const mostWishes = 20
const [mostLabel, mostReason] = [100, 500]

const words = (least: number, most: number) => v.pipe(v.string(), v.minLength(least), v.maxLength(most), v.check(isWellFormed))

/** A wish as an admin of the partner signs it. */
export const wishTerms = v.object({
  wish: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{22}$/)),
  object: v.picklist(['Lead', 'Opportunity']),
  label: words(1, mostLabel),
  update: v.boolean(),
  reason: words(0, mostReason),
})

/** The vendor's answer, as one of its admins signs it. */
export const wishAnswerTerms = v.object({ wish: wishTerms.entries.wish, answer: v.picklist(['offered', 'declined']) })

const answered = v.object({ answer: wishAnswerTerms.entries.answer, by: v.string(), at: instant })
const kept = v.object({ ...v.omit(wishTerms, ['wish']).entries, by: v.string(), at: instant })

const rowId = (connection: ConnectionId, wish: string): string => `${connection}:${wish}`

function wishOf(row: Row | undefined): WishView | undefined {
  const wish = v.safeParse(kept, valueOf(row, 'wish'))
  if (!row || !wish.success) return undefined
  const answer = v.safeParse(answered, valueOf(row, 'answer'))
  return { id: row.id.slice(row.id.indexOf(':') + 1), ...wish.output, answer: answer.success ? answer.output : undefined }
}

type WishesApi = Pick<AgreementsApi, 'wishes' | 'ask' | 'takeBackWish' | 'answerWish'>

export function createWishes(context: EngineContext): WishesApi {
  const { rows, identity, user, clock, random } = context

  const decide = (id: ConnectionId, side: ConnectionFacts['side']): ConnectionFacts => {
    const connection = requireConnection(rows, id, side)
    if (user.role === 'admin') return connection
    throw new EngineError('NOT_ALLOWED', 'Only an admin may ask for a field or answer. Ask one of your admins.')
  }
  const requireWish = (from: RowReader, id: ConnectionId, wish: string): WishView => {
    const found = wishOf(from.get('Wish', rowId(id, wish)))
    if (found) return found
    throw new EngineError('NOT_FOUND', 'This wish is not there any more. Look at the agreement again.')
  }

  return {
    wishes: (id) => wishesOf(context, id),

    async ask(id, object, { label, update = false, reason = '' }) {
      const connection = decide(id, 'partner')
      const wish = toBase64UrlEncoded(random(16))
      const terms = v.safeParse(wishTerms, { wish, object, label: label.trim(), update, reason: reason.trim() })
      if (!terms.success)
        throw new EngineError(
          'INVALID',
          `Name the field in 1 to ${mostLabel} characters, and the reason in at most ${mostReason}. Correct it.`,
        )
      if (wishesOf(context, id).length >= mostWishes)
        throw new EngineError('TOO_MANY', `There are ${mostWishes} wishes already. Take one of them back first.`)
      const jws = await identity.signDecision('wish', { connection: id, ...terms.output })
      const { wish: _, ...rest } = terms.output
      const values = { wish: { ...rest, by: user.id, at: clock.now() } }
      await rows.save(
        [{ object: 'Wish', id: rowId(id, wish), values }, messageEdit(connection.ownMessages, wishKey(wish), jws)],
        whileConnected(connection),
      )
      return wish
    },

    async takeBackWish(id, wish) {
      const connection = decide(id, 'partner')
      requireWish(rows, id, wish)
      await rows.save(
        [{ object: 'Wish', id: rowId(id, wish), values: { wish: null } }, messageEdit(connection.ownMessages, wishKey(wish), null)],
        whileConnected(connection),
      )
    },

    async answerWish(id, wish, answer) {
      const connection = decide(id, 'vendor')
      requireWish(rows, id, wish)
      const jws = await identity.signDecision('wish-answer', { connection: id, wish, answer })
      const values = { answer: { answer, by: user.id, at: clock.now() } }
      const holds = (stored: RowReader): boolean => requireWish(stored, id, wish) !== undefined
      await rows.save(
        [{ object: 'Wish', id: rowId(id, wish), values }, messageEdit(connection.ownMessages, wishKey(wish), jws)],
        whileConnected(connection, { holds }),
      )
    },
  }
}

function wishesOf({ rows }: Pick<EngineContext, 'rows'>, id: ConnectionId): readonly WishView[] {
  const views = [...rows.list('Wish').values()].flatMap((row) => (row.id.startsWith(rowId(id, '')) ? (wishOf(row) ?? []) : []))
  return views.sort((a, b) => a.at - b.at)
}

/** Takes in the partner's wishes, and the vendor's answers. */
export function wishReconciler(context: EngineContext): Reconciler<ConnectionFacts> {
  const { rows, replica } = context
  const pending = new PendingMessages(context, prefix)
  const refusals = new Refusals(context)
  return {
    name: 'wishes',
    subjects: () => enabledConnections(rows),
    react: (connection) => pending.saveAll(connection, (key) => take(connection, key)),
  }

  async function take(connection: ConnectionFacts, key: Key): Promise<Reaction | undefined> {
    const body = replica.inbox(connection.peerMessages).get(key)?.body ?? null
    const [message, id] = [`${connection.id}/${key}`, rowId(connection.id, key.slice(prefix.length))]
    const row = rows.get('Wish', id)
    // There are so many at most: each is saved alone.
    const edits = (values: RowEdit['values'], more: readonly RowEdit[] = []): Reaction => ({
      edits: [{ object: 'Wish', id, values }, ...more],
      names: [prefix],
    })
    if (body === null) {
      if (connection.side === 'partner' || !wishOf(row)) return undefined
      const answer = rows.get('Message', messageId(connection.ownMessages, key)) ? [messageEdit(connection.ownMessages, key, null)] : []
      return edits({ wish: null, decision: null }, answer)
    }
    if (refusals.has(message, body) || valueOf(row, 'decision') === body) return undefined
    const refuse = (reason: string): undefined =>
      refusals.note(connection, message, body, connection.side === 'vendor' ? 'A wish' : 'An answer to a wish', reason)
    if (connection.side === 'vendor') {
      const decision = await readDecision(context, connection, 'wish', body, wishTerms, 'admin')
      if (!decision.ok) return refuse(decision.reason)
      const { terms, by, at } = decision
      const { wish, ...rest } = terms
      if (wishKey(wish) !== key) return refuse('it stands under the key of another')
      if (!wishOf(row) && wishesOf(context, connection.id).length >= mostWishes) return refuse('there are too many')
      return edits({ wish: { ...rest, by, at }, decision: body })
    }
    const decision = await readDecision(context, connection, 'wish-answer', body, wishAnswerTerms, 'admin')
    if (!decision.ok) return refuse(decision.reason)
    const { terms, by, at } = decision
    if (wishKey(terms.wish) !== key) return refuse('it stands under the key of another')
    return wishOf(row) ? edits({ answer: { answer: terms.answer, by, at }, decision: body }) : undefined
  }
}
