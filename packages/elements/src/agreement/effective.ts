import type { AgreedField, AgreementView, ConnectionView, Engine, ObjectName } from '@entente/engine'
import { html, nothing, type TemplateResult } from 'lit'
import type { Question } from '../base/dialog.js'
import { formatInstant } from '../value/format.js'
import { connectionName } from '../choice/name.js'
import { plainText, showText } from '../value/show-text.js'
import { typeWord } from '../value/type-words.js'
import { changeSentences, countedRecords, type Onlooker, onlookerOf, termsInForce } from './changes.js'
import { meter } from './proposal.js'

/** How an admin withdraws a field, which is asked first. */
export type Withdraw = (field: AgreedField) => void

/** The agreement in force: the fields as each side calls them, whether both sides computed the same, and which fields keep flowing. */
export function effectiveTable(
  engine: Engine,
  view: AgreementView,
  object: ObjectName,
  language: string,
  withdraw?: Withdraw,
): TemplateResult {
  const { effective } = view
  const who = namesOf(engine, view.connection)
  const withdrawn = view.withdrawn.filter((each) => each.object === object)
  const fields = effective?.objects[object]?.fields ?? []
  if (!effective) return html``
  if (fields.length + withdrawn.length === 0)
    return html`<p class="soft">${nothingAgreed(engine, view, object, withdraw !== undefined)}</p>
      ${declinedLine(view, object)}`
  return html`<div class="row spread">
      <p>
        ${sameHash(view)}
        <span class="soft small">Version ${effective.version}</span>
      </p>
      ${meter(fields.filter((field) => field.slot !== undefined).length)}
    </div>
    <div class="matrix" tabindex="0" role="region" aria-label="Agreed fields">
      <table>
        <thead>
          <tr>
            <th scope="col">Vendor’s field</th>
            <th scope="col">Partner’s field</th>
            <th scope="col">After the export</th>
          </tr>
        </thead>
        <tbody>
          ${fields.map(
            (field) =>
              html`<tr>
                <th scope="row">${showText(field.vendor.label, 80)} <span class="type">${typeWord(field.vendor.type)}</span></th>
                <td>${showText(field.partner.label, 80)} <span class="type">${typeWord(field.partner.type)}</span></td>
                <td>
                  ${field.slot === undefined ? html`<span class="badge">Stays as exported</span>` : html`<span class="badge accent">Keeps updating</span> ${stopButton(field, withdraw)}`}
                </td>
              </tr>`,
          )}
          ${withdrawn.map((each) => withdrawnLine(each, who, language))}
        </tbody>
      </table>
    </div>
    ${declinedLine(view, object)}`
}

/** That an object is not agreed, what of the other is, and what an admin does next. */
function nothingAgreed(engine: Engine, { effective, side }: AgreementView, object: ObjectName, isAdmin: boolean): TemplateResult {
  const name = (each: ObjectName): TemplateResult => showText(engine.records.schema(each).plural.toLowerCase(), 80)
  const other = object === 'Lead' ? 'Opportunity' : 'Lead'
  const isOther = (effective?.objects[other]?.fields.length ?? 0) > 0
  const next = side === 'vendor' ? 'propose a change that has fields of them' : 'ask the vendor for a field of them'
  return html`No field of ${name(object)} is agreed, so no ${name(object)} travel.
  ${isOther ? html`Fields of ${name(other)} are. ` : nothing}${isAdmin ? html`To share ${name(object)}${isOther ? ' too' : ''}, ${next}.` : nothing}`
}

function stopButton(field: AgreedField, withdraw: Withdraw | undefined): TemplateResult | typeof nothing {
  if (!withdraw) return nothing
  return html`<button class="quiet" aria-label="Withdraw ${plainText(field.vendor.label, 80)}" @click=${() => withdraw(field)}>
    Withdraw
  </button>`
}

/** Nothing brings a withdrawn field back but a new version, so the person is asked. */
export function withdrawalQuestion(
  { vendor, partner }: AgreedField,
  side: AgreementView['side'],
  onlooker: Onlooker,
  object: ObjectName,
): Question {
  const required =
    partner.required === true
      ? ` ${side === 'vendor' ? 'The partner' : 'Your org'} requires ${plainText(partner.label, 80)}: new exports fail until a new version gives it a default.`
      : ''
  return {
    title: `Withdraw ${plainText(vendor.label, 80)}, for both sides?`,
    text: `Mirrors of ${countedRecords(onlooker, object)} drop it at once, and new exports leave without it. Imported copies keep what they got. Only a new version of the agreement, which both sign, brings it back.${required}`,
    action: 'Withdraw it',
  }
}

/** Names a person by the id: own people by name, those of the other org as its admins. */
function namesOf(engine: Engine, connection: ConnectionView['id']): (person: string) => TemplateResult {
  const own = new Map(engine.people.users().map(({ id, name }) => [id, name]))
  const view = engine.connections.get(connection)
  const peer = view ? connectionName(view) : 'the other org'
  return (id) => showText(own.get(id) ?? `an admin of ${peer}`, 100)
}

function withdrawnLine(
  { field, person, at }: AgreementView['withdrawn'][number],
  who: (person: string) => TemplateResult,
  language: string,
): TemplateResult {
  return html`<tr class="off">
    <th scope="row">${showText(field.vendor.label, 80)} <span class="type">${typeWord(field.vendor.type)}</span></th>
    <td>${showText(field.partner.label, 80)} <span class="type">${typeWord(field.partner.type)}</span></td>
    <td><span class="badge warn">Withdrawn</span> <span class="small">by ${who(person)}, ${formatInstant(at, language)}</span></td>
  </tr>`
}

function declinedLine({ side, proposal, declined }: AgreementView, object: ObjectName): TemplateResult | typeof nothing {
  const names = declined[object] ?? []
  if (names.length === 0) return nothing
  const labels = names.map((name) => proposal?.objects[object]?.fields.find(({ field }) => field.name === name)?.field.label ?? name)
  return html`<p class="small soft">
    ${side === 'vendor' ? 'The partner declined' : 'Your org declined'}: ${showText(labels.join(', '), 2_000)}.
  </p>`
}

/** All versions that were in force: when and by whom they were signed, and what each changed. */
export function versionList(engine: Engine, connection: ConnectionView['id'], language: string): TemplateResult | typeof nothing {
  const versions = engine.agreements.history(connection)
  if (versions.length === 0) return nothing
  const who = namesOf(engine, connection)
  return html`<details>
    <summary>${versions.length === 1 ? 'One version was in force' : `All ${versions.length} versions that were in force`}</summary>
    <ol class="versions" reversed>
      ${versions.map(({ agreement, proposal, acceptance }, index) => {
        const before = termsInForce(versions[index + 1]?.agreement)
        const sentences = changeSentences(before, termsInForce(agreement), onlookerOf(engine, connection, language, true))
        return html`<li value=${agreement.version}>
          Accepted ${formatInstant(acceptance.at, language)} by ${who(acceptance.by)}; proposed ${formatInstant(proposal.at, language)} by
          ${who(proposal.by)}. Its fingerprint is <code>${agreement.hash.slice(0, 12)}</code>.
          <ul class="small soft">
            ${sentences.map((sentence) => html`<li>${showText(sentence, 2_000)}</li>`)}
          </ul>
        </li>`
      })}
    </ol>
  </details>`
}

function sameHash({ effective, peerHash }: AgreementView): TemplateResult {
  if (peerHash === undefined) return html`<span class="badge accent">Waiting for the other side to confirm</span>`
  return peerHash === effective?.hash
    ? html`<span class="badge good">Both sides hold the same agreement</span>`
    : html`<span class="badge bad">The two sides differ: nothing flows</span>`
}
