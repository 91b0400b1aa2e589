import type { DeviceInvitationView, DeviceView, Engine, Topic } from '@entente/engine'
import { css, html, nothing, type TemplateResult } from 'lit'
import { EntenteElement } from '../base/element.js'
import { typed } from '../base/typed.js'
import { codeBox, linkBox } from '../connect/code-box.js'
import { markName, nameForm } from '../connect/name-form.js'
import { connectStyles } from '../connect/styles.js'
import { formatAge, formatCount, formatInstant } from '../value/format.js'
import { plainText, showText } from '../value/show-text.js'

type Role = DeviceView['role']

/** A device that was seen so lately is taken to be at work, in ms. */
const workingMs = 10 * 60_000

const roles = {
  admin: 'Admin: decides who may do what, connects and agrees',
  member: 'Member: works with records, and exports what it was granted',
  agent: 'Agent: carries out exports and imports, and decides nothing',
} as const satisfies Readonly<Record<Role, string>>
const roleNames = Object.keys(roles) as readonly Role[]

/**
 * The people of the own org and their devices: who may do what, when each device was last there and how far it has read. An admin invites a device by a link and
 * a code, gives it another role, names it, and shuts out a lost one, and changes the org's keys. A member sees the same, and renames its own.
 *
 * @tag entente-devices
 * @fires entente-before-remove - Cancelable; detail {devices}: these devices are about to be removed.
 */
export class EntenteDevices extends EntenteElement {
  static override styles = [
    EntenteElement.styles,
    connectStyles,
    css`
      .person {
        display: grid;
        gap: 6px;
        padding: 10px 0;
        border-bottom: 1px solid var(--line);
      }
      .person:last-child {
        border: 0;
      }
      .device {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        justify-content: space-between;
        gap: 6px var(--gap);
        min-height: 40px;
        padding-inline-start: 14px;
        border-inline-start: 3px solid var(--line);
      }
      .device select {
        width: auto;
      }
      form.invite {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 220px), 1fr));
        gap: var(--gap);
        align-items: end;
      }
      form.invite label {
        display: grid;
        gap: 4px;
      }
    `,
  ]
  static override properties = {
    ...EntenteElement.properties,
    base: {},
    memberBase: {},
    naming: { state: true },
    losing: { state: true },
    differs: { state: true },
    copied: { state: true },
    isNew: { state: true },
  }
  /** Address of the page on which a device joins. Default: this page. */
  declare base: string
  /** Where a member joins, if elsewhere: a partner's salespeople begin on the partner site. */
  declare memberBase: string
  declare protected naming: string
  /** The device of which the person has said that it is lost. */
  declare protected losing: string
  declare protected differs: string
  declare protected copied: string
  declare protected isNew: boolean
  protected readonly topics: readonly Topic[] = ['devices', 'people']

  constructor() {
    super()
    this.base = ''
    this.memberBase = ''
    this.naming = ''
    this.losing = ''
    this.differs = ''
    this.copied = ''
    this.isNew = true
  }

  protected view(engine: Engine): TemplateResult {
    const isAdmin = engine.user.role === 'admin'
    const devices = engine.devices.list()
    const users = engine.people.users().filter(({ role }) => role !== 'integration')
    const others = devices.filter(({ person }) => !users.some(({ id }) => id === person))
    const invitations = engine.devices.invitations().filter(({ state, expiresAt }) => state !== 'joined' || expiresAt > Date.now())
    return html`<div class="stack">
      ${isAdmin ? nothing : html`<p class="notice">Admins of your org change people and devices. You may rename your own device.</p>`}
      <section class="card stack" aria-labelledby="invite">
        <h3 id="invite">Add a device</h3>
        ${this.#inviteForm(engine, users, isAdmin)} ${invitations.map((invitation) => this.#invitation(engine, invitation, isAdmin))}
      </section>
      <section class="card" aria-label="People">
        ${users.map((user) =>
          this.#person(
            engine,
            user,
            devices.filter(({ person }) => person === user.id),
            isAdmin,
          ),
        )}
        ${
          others.length === 0
            ? nothing
            : html`<div class="person">
                <strong>No person of your list</strong>${others.map((device) => this.#device(engine, device, isAdmin))}
              </div>`
        }
      </section>
      ${this.#keys(engine, isAdmin)}
    </div>`
  }

  #keys(engine: Engine, isAdmin: boolean): TemplateResult {
    const { generation, due, done, total, remainingMs } = engine.devices.keys()
    const count = (value: number): string => formatCount(value, this.language)
    const times = generation === 1 ? 'once' : `${count(generation)} times`
    const change = async (): Promise<void> => {
      const text =
        'From then on nothing that your org writes opens with the present keys. Connected orgs answer with new keys of their own. Everything that is shared is published again, in the background. You can go on working.'
      if (await this.confirmed({ title: 'Change the keys of your org?', text, action: 'Change them' }))
        this.act('rotate', () => engine.devices.rotate())
    }
    const isUnderWay = due || done < total
    const state = due
      ? html`<p role="status">New keys are on their way. Records leave this device once an admin’s device has brought them.</p>`
      : done < total
        ? html`<p role="status">
              Everything is published again under the new keys. ${timeText(remainingMs)} You can go on working, or close this page.
            </p>
            <div class="row">
              <progress max=${total} .value=${done} aria-label="Published again"></progress
              ><span class="soft small">${count(done)} of ${count(total)}</span>
            </div>`
        : html`<p class="soft small">
            ${generation === 0 ? 'They have not changed since the org was made.' : `They have changed ${times}.`} They change by themselves
            when a device is removed.
          </p>`
    return html`<section class="card stack" aria-labelledby="keys">
      <h3 id="keys">Keys of your org</h3>
      ${state}
      <div>
        <button
          ?disabled=${!isAdmin || isUnderWay || this.running.has('rotate')}
          title=${isAdmin ? nothing : 'Only an admin changes the keys'}
          @click=${change}
        >
          Change the keys
        </button>
      </div>
    </section>`
  }

  #inviteForm(engine: Engine, users: ReturnType<Engine['people']['users']>, isAdmin: boolean): TemplateResult {
    const invite = (event: SubmitEvent): void => {
      event.preventDefault()
      const form = event.target instanceof HTMLFormElement ? event.target : undefined
      const data = new FormData(form)
      const text = (name: string): string => {
        const value = data.get(name)
        return typeof value === 'string' ? value : ''
      }
      const person = text('person') === '' ? { name: text('name') } : text('person')
      const role = roleNames.find((each) => each === text('role')) ?? 'member'
      const base = (role === 'member' && this.memberBase) || this.base || location.href.replace(/#.*$/, '')
      this.act('invite', async () => {
        await engine.devices.invite({ base, person, role })
        form?.reset()
        this.isNew = true
      })
    }
    return html`<form class="invite" @submit=${invite}>
        <label
          >For
          <select name="person" ?disabled=${!isAdmin} @change=${(event: Event) => (this.isNew = typed(event) === '')}>
            <option value="">Somebody new</option>
            ${users.map(({ id, name }) => html`<option value=${id}>${plainText(name, 80)}</option>`)}
          </select></label
        >
        ${this.isNew ? html`<label>Name <input name="name" required maxlength="200" autocomplete="off" ?disabled=${!isAdmin} /></label>` : nothing}
        <label
          >Role
          <select name="role" ?disabled=${!isAdmin}>
            ${roleNames.map((role) => html`<option value=${role} ?selected=${role === 'member'}>${roles[role]}</option>`)}
          </select></label
        >
        <div><button class="primary" ?disabled=${!isAdmin || this.running.has('invite')}>Make a link</button></div>
      </form>
      <p class="soft small">
        Open the link on the new device, in a browser that has no org yet. Both then show a code: compare it, and the device gets your org’s
        records and keys.
      </p>`
  }

  #invitation(engine: Engine, view: DeviceInvitationView, isAdmin: boolean): TemplateResult {
    const who = html`<strong>${showText(view.personName, 80)}</strong>, ${view.role}`
    const cancel = isAdmin
      ? html`<button
          class="quiet"
          ?disabled=${this.running.has(view.id)}
          @click=${() => this.act(view.id, () => engine.devices.cancel(view.id))}
        >
          Cancel it
        </button>`
      : nothing
    switch (view.state) {
      case 'open': {
        const link = view.link ?? ''
        const copy = async (): Promise<void> => {
          await navigator.clipboard.writeText(link)
          this.copied = view.id
        }
        if (link === '' || !isAdmin)
          return html`<div class="stack" role="status">
            <p>${who}: invited, until ${formatInstant(view.expiresAt, this.language)}.</p>
            <div>${cancel}</div>
          </div>`
        return html`<div class="stack">
          <p>${who}: pass this link on yourself. Whoever has it can ask to join, so treat it like a key.</p>
          ${linkBox(`Link for ${view.personName}`, link, this.copied === view.id, () => this.act('copy', copy), cancel)}
          <p class="soft small">
            Works once, until ${formatInstant(view.expiresAt, this.language)}. Keep this page open, or come back: this device lets the other
            in.
          </p>
        </div>`
      }
      case 'compare':
        return this.#compare(engine, view, who, isAdmin, cancel)
      case 'joining':
        return html`<p role="status">${who}: the codes are the same. The device gets your org as soon as both are online.</p>`
      case 'joined':
        return html`<p role="status">${who}: the device has joined.</p>`
      case 'over':
        return html`<p class="soft" role="status">${who}: ${showText(view.problem ?? 'The invitation is over.', 300)}</p>`
    }
  }

  #compare(
    engine: Engine,
    view: DeviceInvitationView,
    who: TemplateResult,
    isAdmin: boolean,
    cancel: TemplateResult | typeof nothing,
  ): TemplateResult {
    const { code = '' } = view
    if (!view.own || !isAdmin) return html`<p role="status">${who}: the device that made the link shows a code to compare.</p>`
    const confirm = (same: boolean): void => this.act(view.id, () => engine.devices.confirm(view.id, same).then(() => (this.differs = '')))
    return html`<div class="compare stack">
      <p>
        ${who}: a device that calls itself ${showText(view.deviceName ?? 'a new device', 80)} wants to join.
        <strong>Compare this code with the one that it shows</strong>, side by side or by phone. Once you say that they are the same, it can
        read everything in your org.
      </p>
      ${codeBox({
        code,
        differs: this.differs === view.id,
        warning: 'Different codes mean that another device used your link. This ends the invitation; nothing was given away.',
        end: 'End it',
        isRunning: this.running.has(view.id),
        ask: (differs) => (this.differs = differs ? view.id : ''),
        answer: confirm,
        beside: cancel,
      })}
    </div>`
  }

  #person(
    engine: Engine,
    user: ReturnType<Engine['people']['users']>[number],
    devices: readonly DeviceView[],
    isAdmin: boolean,
  ): TemplateResult {
    const isSelf = user.id === engine.user.id
    const name = plainText(user.name, 80)
    const remove = async (): Promise<void> => {
      const text = `${name} is no person of your org any more. ${devices.length === 0 ? '' : whatFollows(devices.length)} Records and copies are the org’s, and stay.`
      if (!(await this.confirmed({ title: `Remove ${name}?`, text, action: 'Remove' }))) return
      const ids = devices.map(({ id }) => id)
      if (!this.tell('entente-before-remove', { devices: ids }, true)) return
      this.act(user.id, async () => {
        if (ids.length > 0) await engine.devices.remove(ids)
        await engine.people.removeUser(user.id)
      })
    }
    return html`<div class="person">
      <div class="row spread">
        <h3>${showText(user.name, 80)} ${isSelf ? html`<span class="soft">(you)</span>` : nothing}</h3>
        ${
          isSelf
            ? nothing
            : html`<button
                class="quiet"
                ?disabled=${!isAdmin || this.running.has(user.id)}
                title=${isAdmin ? nothing : 'Only an admin removes people'}
                @click=${remove}
              >
                Remove ${name}
              </button>`
        }
      </div>
      ${devices.length === 0 ? html`<p class="soft small">No device yet.</p>` : devices.map((device) => this.#device(engine, device, isAdmin))}
    </div>`
  }

  #device(engine: Engine, device: DeviceView, isAdmin: boolean): TemplateResult {
    const name = plainText(device.name ?? 'A device without a name', 80)
    if (this.naming === device.id) return this.#nameForm(engine, device)
    const mayRename = isAdmin || device.own
    return html`<div class="device">
      <div>
        <div>${name} ${device.own ? html`<span class="badge accent">This device</span>` : nothing}</div>
        <div class="soft small">${this.#seen(device)}</div>
      </div>
      <div class="row">
        <select
          aria-label="Role of ${name}"
          ?disabled=${!isAdmin || this.running.has(device.id)}
          title=${isAdmin ? nothing : 'Only an admin changes roles'}
          @change=${(event: Event) => this.#setRole(engine, device, event)}
        >
          ${roleNames.map((role) => html`<option value=${role} ?selected=${role === device.role}>${role[0]?.toUpperCase()}${role.slice(1)}</option>`)}
        </select>
        <button
          class="quiet"
          aria-label="Rename ${name}"
          ?disabled=${!mayRename}
          title=${mayRename ? nothing : 'Only an admin renames the devices of others'}
          @click=${() => this.#name(device.id)}
        >
          Rename
        </button>
        ${
          device.own
            ? nothing
            : html`<button
                class="quiet"
                aria-label="It is lost, or not used any more: ${name}"
                aria-expanded=${this.losing === device.id}
                ?disabled=${!isAdmin}
                title=${isAdmin ? nothing : 'Only an admin shuts a device out'}
                @click=${() => (this.losing = this.losing === device.id ? '' : device.id)}
              >
                It is lost, or not used any more
              </button>`
        }
      </div>
      ${this.losing === device.id && isAdmin ? this.#lost(engine, device, name) : nothing}
    </div>`
  }

  #lost(engine: Engine, { id }: DeviceView, name: string): TemplateResult {
    const remove = (): void => {
      if (!this.tell('entente-before-remove', { devices: [id] }, true)) return
      this.act(id, () => engine.devices.remove([id]).then(() => (this.losing = '')))
    }
    return html`<div class="notice warn" role="alert">
      <div>${whatFollows(1)}</div>
      <button class="danger" ?disabled=${this.running.has(id)} @click=${remove}>Shut out ${name}</button>
      <button @click=${() => (this.losing = '')}>Back</button>
    </div>`
  }

  #seen({ own, lastSeen, behind }: DeviceView): string {
    if (own) return 'In use now'
    if (lastSeen === undefined) return 'Has not been online yet'
    // A device that is at work says every few minutes how far it is: until then, what it has not reported is no lag.
    if (Date.now() - lastSeen < workingMs) return 'Online in the last ten minutes'
    const at = `Last seen ${formatAge(lastSeen, Date.now(), this.language)}`
    if (behind === undefined) return at
    return behind === 0 ? `${at}, had read everything` : `${at}, ${formatCount(behind, this.language)} changed records behind`
  }

  #setRole(engine: Engine, { id, role }: DeviceView, event: Event): void {
    const select = event.target instanceof HTMLSelectElement ? event.target : undefined
    const chosen = roleNames.find((each) => each === select?.value)
    if (!select || !chosen || chosen === role) return
    this.act(id, async () => {
      try {
        await engine.devices.setRole(id, chosen)
      } catch (error) {
        select.value = role
        throw error
      }
    })
  }

  #nameForm(engine: Engine, { id, name = '' }: DeviceView): TemplateResult {
    return nameForm(
      'Name of the device',
      name,
      true,
      (next) => this.act(id, () => engine.devices.rename(id, next).then(() => (this.naming = ''))),
      () => (this.naming = ''),
    )
  }

  #name(id: string): void {
    this.naming = id
    void this.updateComplete.then(() => markName(this.renderRoot))
  }
}

function timeText(ms: number): string {
  const minutes = Math.ceil(ms / 60_000)
  return minutes <= 1 ? 'Less than a minute is left.' : `About ${minutes} minutes are left.`
}

function whatFollows(count: number): string {
  const [it, has] = count === 1 ? ['The device', 'it has'] : ['The devices', 'they have']
  return `${it} can send and read nothing any more, at once. What ${has} not sent is lost. What ${has} already read stays on ${count === 1 ? 'it' : 'them'}, for whoever can open ${count === 1 ? 'it' : 'them'}: records, and the keys to what was sent before. This cannot be undone; a device comes back only by a new link.`
}
