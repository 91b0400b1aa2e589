import type { ConnectionView, Engine, ObjectName, Rule, ShareView, Topic } from '@entente/engine'
import { html, nothing, type TemplateResult } from 'lit'
import { EntenteElement } from '../base/element.js'
import { typed } from '../base/typed.js'
import { connectionName, inOrder, inOrderOfPeers } from '../choice/name.js'
import { isCancelled, readerOf, shareText } from '../share/share-words.js'
import { errorLine, receiptTicks, shareBadge, shareStyles } from '../share/show-share.js'
import { formatAge } from '../value/format.js'
import { plainText, showText } from '../value/show-text.js'

/**
 * The sharing of one record: the partners who see it on the vendor's site, with the choice to show or hide it by hand; and its shares since the export, each with
 * its state and the switch to stop or resume it.
 *
 * @tag entente-shares
 * @fires entente-before-stop - Cancelable; detail {share}.
 * @fires entente-notify - Cancelable; detail {text, undo?}: shown as a toast unless cancelled.
 */
export class EntenteShares extends EntenteElement {
  static override styles = [EntenteElement.styles, shareStyles]
  static override properties = { ...EntenteElement.properties, object: {}, record: {} }
  declare object: ObjectName
  declare record: string | undefined
  protected readonly topics: readonly Topic[] = ['records', 'connections', 'agreements', 'sharing', 'mirrors', 'sync']

  constructor() {
    super()
    this.object = 'Opportunity'
  }

  protected view(engine: Engine): TemplateResult {
    const shares = this.record === undefined ? [] : inOrderOfPeers(engine.records.shares(this.object, this.record))
    const partners = this.record === undefined ? [] : partnersOf(engine, this.object)
    return html`<div class="stack">
      ${partners.map((partner) =>
        this.#sight(
          engine,
          partner,
          this.record ?? '',
          shares.find(({ connection }) => connection === partner.id),
        ),
      )}
      ${
        shares.length === 0
          ? html`<p class="soft">Not exported over any connection.</p>`
          : html`<ul class="stack">
              ${shares.map((share) => this.#share(engine, share))}
            </ul>`
      }
    </div>`
  }

  /** Whether one partner sees the record, by the rule or by hand. */
  #sight(engine: Engine, partner: ConnectionView, record: string, share: ShareView | undefined): TemplateResult {
    const rule = engine.sharing.rule(partner.id, this.object) ?? nothingShown
    const isVisible = engine.sharing.visible(partner.id, this.object).includes(record)
    const sight: Sight = rule.hidden.includes(record) ? 'hidden' : rule.added.includes(record) ? 'added' : 'rule'
    const choose = (event: Event): void => {
      const chosen = sights.find(({ name }) => name === typed(event))
      if (chosen) this.act(partner.id, () => engine.sharing.setRule(partner.id, this.object, ruleWith(rule, record, chosen.name)))
    }
    const name = showText(connectionName(partner), 80)
    const isAdmin = engine.user.role === 'admin'
    return html`<div class="row spread">
      <span
        ><strong>${name}</strong> ${
          // Of a partner that has a copy, its share says more.
          share && share.state !== 'exporting' && share.state !== 'failed'
            ? nothing
            : html`<span class="badge ${isVisible ? 'good' : ''}">${isVisible ? 'Sees this record' : 'Does not see it'}</span>`
        }</span
      >
      <label class="row small"
        ><span class="soft">Listed</span>
        <select
          ?disabled=${!isAdmin || this.running.has(partner.id)}
          title=${isAdmin ? nothing : 'Admins of your org decide what a partner sees'}
          @change=${choose}
        >
          ${sights.map((each) => html`<option value=${each.name} ?selected=${each.name === sight}>${each.words}</option>`)}
        </select></label
      >
    </div>`
  }

  #share(engine: Engine, share: ShareView): TemplateResult {
    const busy = this.running.has(share.id)
    const { what, by } = share.why ?? {}
    // What ended by another cause goes on from there: the record, or the connection.
    const isOwnStop = what === 'stopped' && by === 'own'
    // The other org has ended its side alone: it may begin again, and this one still sends.
    const isHalf = share.on && by === 'peer' && (what === 'stopped' || what === 'deleted' || what === 'converted')
    const mayStop = isHalf || (share.on && [undefined, 'paused', 'switchedOff', 'withdrawn', 'unagreed'].includes(what))
    const turn = share.on ? () => engine.records.stopSharing(share.id) : () => engine.records.resumeSharing(share.id)
    const click = (): void => {
      if (share.on && !this.tell('entente-before-stop', { share: share.id }, true)) return
      this.act(share.id, async () => {
        await turn()
        const step = share.on && this.record !== undefined ? engine.undo.last(this.object, this.record) : undefined
        if (step) this.notifyStep(engine, `Sharing with ${plainText(share.peerName, 80)} stopped.`, step)
      })
    }
    const reader = readerOf(engine, this.language)
    const isPartner = engine.connections.get(share.connection)?.side === 'partner'
    return html`<li class="card stack">
      <div class="row spread">
        <span
          ><strong>${showText(share.peerName, 80)}</strong>
          <span class="soft small"
            >${isPartner ? 'imported' : 'exported'} ${formatAge(share.exportedAt, Date.now(), this.language)}</span
          ></span
        >
        <span class="row">
          ${shareBadge(share)}
          ${mayStop || isOwnStop ? html`<button ?disabled=${busy} @click=${click}>${isHalf ? 'Stop here too' : share.on ? 'Stop sharing' : 'Resume'}</button>` : nothing}
        </span>
      </div>
      <p>${shareText(share, reader)}${isHalf ? ' What you edit is still sent until you stop here too.' : nothing}</p>
      ${receiptTicks(share, reader)}
      ${isCancelled(share) ? nothing : share.errors.map((error) => errorLine(engine, this.object, error, this.language))}
    </li>`
  }
}

type Sight = 'rule' | 'added' | 'hidden'

const sights: readonly { readonly name: Sight; readonly words: string }[] = [
  { name: 'rule', words: 'as the rule says' },
  { name: 'added', words: 'always' },
  { name: 'hidden', words: 'never' },
]

const nothingShown: Rule = { match: 'all', conditions: [], added: [], hidden: [] }

/** The connections in which this org, as vendor, may show records of the object. */
function partnersOf(engine: Engine, object: ObjectName): readonly ConnectionView[] {
  return inOrder(engine.connections.list()).filter(
    ({ id, side, state }) =>
      side === 'vendor' && state === 'Enabled' && engine.agreements.get(id)?.effective?.objects[object] !== undefined,
  )
}

function ruleWith(rule: Rule, record: string, sight: Sight): Rule {
  const without = (ids: readonly string[]): readonly string[] => ids.filter((id) => id !== record)
  return {
    ...rule,
    added: sight === 'added' ? [...without(rule.added), record] : without(rule.added),
    hidden: sight === 'hidden' ? [...without(rule.hidden), record] : without(rule.hidden),
  }
}
