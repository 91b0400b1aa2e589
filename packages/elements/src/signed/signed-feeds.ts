import type { ConnectionView, Engine, ObjectName, SignedFeed } from '@entente/engine'
import { css, html, nothing, type TemplateResult } from 'lit'
import { connectionName, inOrder } from '../choice/name.js'
import { formatClock } from '../value/format.js'
import { plainText, showText } from '../value/show-text.js'
import { troubleOf } from './trouble.js'
import type { Waits } from './waits.js'
import { isOld, whenSigned } from './when.js'

/** A record in the list of those that differ. */
export type RecordLink = SignedFeed['records'][number]

export interface Page {
  readonly engine: Engine
  readonly feeds: readonly SignedFeed[]
  readonly waits: Waits
  readonly now: number
  readonly language: string
  /** This device has no line to the relay. */
  readonly isOffline: boolean
  readonly open: (record: RecordLink) => void
}

/** How many of the records that differ a page names. */
const mostNamed = 10

export const signedFeedsStyles = css`
  .signatures {
    display: grid;
    gap: 8px;
    margin-top: var(--gap);
  }
  .signatures thead th {
    white-space: normal;
  }
  .signatures td p + p {
    margin-top: 6px;
  }
  .signatures button.link {
    min-height: 24px;
    padding: 0;
    border: 0;
    background: none;
    color: var(--accent);
    text-align: start;
    text-decoration: underline;
  }
`

/** A row per connection: what the other org sends and what this one sends, as of when it was signed, or what is wrong with it. */
export function signedFeeds(page: Page): TemplateResult | typeof nothing {
  // Nobody signs for a connection that has ended.
  const connections = page.engine.connections
    .list()
    .filter(({ id, state }) => state !== 'Disabled' && page.feeds.some(({ connection }) => connection === id))
  const own = ownDevices(page)
  if (connections.length === 0 && own === nothing) return nothing
  return html`<section class="signatures" aria-labelledby="signatures">
    <h3 id="signatures">Compared with what was signed</h3>
    ${
      connections.length === 0
        ? nothing
        : html`<div class="scroll" role="group" tabindex="0" aria-labelledby="signatures">
            <table>
              <thead>
                <tr>
                  <th scope="col">Connection</th>
                  <th scope="col">What they send</th>
                  <th scope="col">What you send</th>
                </tr>
              </thead>
              <tbody>
                ${inOrder(connections).map((connection) => row(page, connection))}
              </tbody>
            </table>
          </div>`
    }
    ${own}
  </section>`
}

function row(page: Page, connection: ConnectionView): TemplateResult {
  const { id } = connection
  const cell = (whose: SignedFeed['whose']): TemplateResult => {
    const feeds = page.feeds.filter((feed) => feed.connection === id && feed.whose === whose)
    const wrong = feeds.filter((feed) => troubleOf([feed]))
    return html`<td>${wrong.length > 0 ? wrong.map((feed) => trouble(page, feed)) : calm(page, `${id} ${whose}`, feeds, whose)}</td>`
  }
  return html`<tr>
    <th scope="row">${showText(connectionName(connection), 80)}</th>
    ${cell('peer')}${cell('own')}
  </tr>`
}

/** All feeds of one direction in one word, as old as the oldest of them. */
function calm(
  { waits, now, language, isOffline }: Page,
  id: string,
  feeds: readonly SignedFeed[],
  whose: SignedFeed['whose'],
): TemplateResult {
  const signedAt = oldest(feeds)
  const state = feeds.some((feed) => feed.state === 'waiting') ? 'waiting' : 'signed'
  const isLong = waits.isLong(id, { state, signedAt }, now)
  if (signedAt === undefined) return html`<p class="soft">${isLong ? 'Not confirmed yet' : 'Not signed yet'}</p>`
  const when = whenSigned(signedAt, now, language)
  if (state === 'waiting')
    return html`<p class="soft">${isLong ? `Not confirmed yet; last signed ${when}` : `Changed since it was signed ${when}`}</p>`
  if (whose === 'own' || !isOld(signedAt, now)) return html`<p>As signed ${when}</p>`
  const reason = isOffline ? 'this device is offline' : 'they may be offline, or the relay gives nothing new'
  return html`<p>As signed ${when}: ${reason}</p>`
}

function trouble(page: Page, feed: SignedFeed): TemplateResult {
  const { now, language } = page
  const differs = feed.state === 'differs'
  const last = feed.signedAt === undefined ? '' : `; last ${differs ? 'matched' : 'signed'} ${whenSigned(feed.signedAt, now, language)}`
  return html`<p>
      <span class="badge ${differs ? 'bad' : 'warn'}">${differs ? 'Differs' : 'Held back'}</span>
      ${topicName(page.engine, feed.topic)}${since(feed, page)}${last}
    </p>
    ${differs && objectOf(feed.topic) ? records(page, feed) : nothing}`
}

function records({ engine, open }: Page, { records: all }: SignedFeed): TemplateResult {
  if (all.length === 0) return html`<p class="soft">In records that have not been found yet</p>`
  const named = all.slice(0, mostNamed)
  return html`<ul>
    ${named.map((record) => html`<li><button class="link" @click=${() => open(record)}>${nameOf(engine, record)}</button></li>`)}
    ${all.length > named.length ? html`<li class="soft">and ${all.length - named.length} more</li>` : nothing}
  </ul>`
}

/** The org's own devices are told of only if something is wrong. */
function ownDevices(page: Page): TemplateResult | typeof nothing {
  const team = page.feeds.filter(({ connection }) => connection === undefined)
  const worst = troubleOf(team)
  const feed = team.find(({ state }) => state === worst)
  if (!feed) return nothing
  return html`<p class="notice ${worst === 'differs' ? 'bad' : 'warn'}">
    ${
      worst === 'differs'
        ? `Between your own org’s devices: what came differs from what was signed${since(feed, page)}. This device has read it again.`
        : `Between your own org’s devices: the relay has held something back${since(feed, page)}.`
    }
  </p>`
}

function since({ since: time }: SignedFeed, { now, language }: Page): string {
  return time === undefined ? '' : ` since ${formatClock(time, now, language).text}`
}

function oldest(feeds: readonly SignedFeed[]): number | undefined {
  let first: number | undefined
  for (const { signedAt } of feeds) {
    if (signedAt === undefined) return undefined
    first = Math.min(first ?? signedAt, signedAt)
  }
  return first
}

function nameOf(engine: Engine, { object, id }: RecordLink): string {
  const name = engine.records.get(object, id)?.values[engine.records.schema(object).nameField]
  return typeof name === 'string' && name.trim() !== '' ? plainText(name, 80) : 'a record that is not here'
}

function topicName(engine: Engine, topic: string): string {
  const object = objectOf(topic)
  return object ? engine.records.schema(object).plural : 'Listings and messages'
}

function objectOf(topic: string): ObjectName | undefined {
  return topic === 'lead' ? 'Lead' : topic === 'opportunity' ? 'Opportunity' : undefined
}
