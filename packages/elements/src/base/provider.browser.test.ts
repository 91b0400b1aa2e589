import { EngineError } from '@entente/engine'
import { afterEach, describe, expect, it, vi } from 'vitest'
import '../define.js'
import { fakeEngine, quietLine } from '../testing/fake-engine.js'
import { accessibilityProblems, button, drawn, find, mount, textOf } from '../testing/mount.js'
import { agreed, connected, mirror, opportunity } from '../testing/scenes.js'
import { defineElement } from './define-element.js'
import { EntenteProvider, type OpenOrg } from './provider.js'

describe('an element on somebody’s page', () => {
  it('says that it has no provider, and throws nothing (row 71)', async () => {
    for (const tag of [
      'entente-records',
      'entente-record',
      'entente-connect',
      'entente-agreement',
      'entente-status',
      'entente-jobs',
    ] as const) {
      expect(textOf(await mount(tag))).toContain('has no engine yet')
    }
  })

  it('finds the engine of the provider above it, also one that comes later', async () => {
    const status = await mount('entente-status')
    const provider = document.createElement('entente-provider')
    document.body.append(provider)
    provider.append(status)
    await drawn(status)
    provider.engine = fakeEngine()
    await drawn(provider)
    await drawn(status)
    expect(textOf(status)).toContain('Online')
    provider.engine = fakeEngine({ sync: { ...quietLine, state: 'offline' } })
    await drawn(provider)
    await drawn(status)
    expect(textOf(status)).toContain('Offline')
  })

  it('stops listening when it leaves the page', async () => {
    const engine = fakeEngine()
    let listeners = 0
    const watch = engine.watch.bind(engine)
    engine.watch = (listener) => {
      listeners++
      const end = watch(listener)
      return () => {
        listeners--
        end()
      }
    }
    const status = await mount('entente-status', { engine })
    expect(listeners).toBe(1)
    status.remove()
    expect(listeners).toBe(0)
  })

  it('says that its engine was closed, and throws nothing', async () => {
    const engine = fakeEngine()
    const refuse = (): never => {
      throw new EngineError('CLOSED', 'The engine of this org was closed. Open the org again.')
    }
    engine.watch = refuse
    Object.assign(engine.sync, { status: refuse })
    expect(textOf(await mount('entente-status', { engine }))).toContain('The engine of this org was closed.')
  })

  it('warns with both versions when the library is loaded twice, and the first one serves (row 72)', () => {
    const first = class extends HTMLElement {
      static readonly libraryVersion = '1.0.0'
    }
    const second = class extends HTMLElement {
      static readonly libraryVersion = '2.0.0'
    }
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    defineElement('entente-twice', first)
    defineElement('entente-twice', first)
    expect(warn).not.toHaveBeenCalled()
    defineElement('entente-twice', second)
    expect(warn).toHaveBeenCalledWith(expect.stringMatching(/1\.0\.0.*2\.0\.0/))
    expect(customElements.get('entente-twice')).toBe(first)
    warn.mockRestore()
  })
})

describe('a provider with the name of an org', () => {
  afterEach(() => (EntenteProvider.open = undefined))

  async function mountWith(open: OpenOrg | undefined, attributes: Readonly<Record<string, string>>): Promise<readonly HTMLElement[]> {
    EntenteProvider.open = open
    const provider = await mount('entente-provider')
    const status = document.createElement('entente-status')
    provider.append(status)
    for (const [name, value] of Object.entries(attributes)) provider.setAttribute(name, value)
    await drawn(provider)
    await drawn(status)
    return [provider, status]
  }

  it('says that it opens the org, opens it once for all providers of the page, and says when it is there', async () => {
    let give: (engine: ReturnType<typeof fakeEngine>) => void = () => undefined
    const open = vi.fn<OpenOrg>(() => new Promise((resolve) => (give = resolve)))
    const [provider, status] = (await mountWith(open, { relay: 'https://relay.example', org: 'alder' })) as [EntenteProvider, HTMLElement]
    expect(textOf(provider)).toContain('Opening the org “alder”')
    // Said once: the elements inside are silent until there is something to show.
    expect(textOf(status)).toBe('')
    const other = document.createElement('entente-provider')
    other.setAttribute('relay', 'https://relay.example')
    other.setAttribute('org', 'alder')
    const ready = new Promise<CustomEvent>((resolve) => other.addEventListener('entente-ready', (event) => resolve(event as CustomEvent)))
    document.body.append(other)
    await drawn(other)
    const engine = fakeEngine()
    give(engine)
    expect((await ready).detail).toEqual({ engine })
    await drawn(provider)
    await drawn(status)
    expect(textOf(status)).toContain('Online')
    expect(textOf(provider)).not.toContain('Opening')
    expect(open).toHaveBeenCalledTimes(1)
    expect(open).toHaveBeenCalledWith({ relay: 'https://relay.example', org: 'alder' })
  })

  it('says that no org is here, where orgs are, and tries again', async () => {
    const missing = new EngineError('NOT_FOUND', 'There is no org “default” in this browser for crm.example yet.')
    const open = vi.fn<OpenOrg>(() => Promise.reject(missing))
    const [provider] = (await mountWith(open, { relay: 'https://relay.example' })) as [EntenteProvider]
    expect(textOf(provider)).toContain('There is no org “default” in this browser for crm.example yet.')
    expect(textOf(provider)).toContain('The org is at relay.example, and a page elsewhere cannot join it yet.')
    expect(provider.shadowRoot?.querySelector('a')).toBeNull()
    expect(await accessibilityProblems()).toEqual([])

    // On the relay's own pages it is one click away.
    provider.relay = location.origin
    await drawn(provider)
    expect(find<HTMLAnchorElement>(provider, 'a').href).toBe(`${location.origin}/workspace.html?org=default`)
    open.mockImplementation(() => Promise.resolve(fakeEngine()))
    button(provider, 'Try again').click()
    await drawn(provider)
    expect(provider.engine).toBeDefined()
    expect(textOf(provider)).toBe('')
  })

  it('says what is missing: a relay, or somebody who opens orgs', async () => {
    const [bare] = (await mountWith(undefined, {})) as [EntenteProvider]
    expect(textOf(bare)).toContain('entente-provider needs relay="https://…", or its engine')
    const [alone] = (await mountWith(undefined, { relay: 'https://relay.example' })) as [EntenteProvider]
    expect(textOf(alone)).toContain('nothing on this page opens orgs')
  })

  it('lends nothing of its looks to the page’s own content inside it', async () => {
    const [provider] = (await mountWith(undefined, {})) as [EntenteProvider]
    document.body.style.cssText += '; color: rgb(1, 2, 3); font: 20px serif; --text: mine'
    const own = document.createElement('p')
    provider.append(own)
    const { color, fontSize } = getComputedStyle(own)
    expect({ color, fontSize, text: getComputedStyle(own).getPropertyValue('--text') }).toEqual({
      color: 'rgb(1, 2, 3)',
      fontSize: '20px',
      text: 'mine',
    })
  })

  it('leaves an engine alone that the page set, and follows its attributes otherwise', async () => {
    const [first, second, set] = [fakeEngine(), fakeEngine(), fakeEngine()]
    const open: OpenOrg = ({ org }) => Promise.resolve(org === 'one' ? first : second)
    const [provider] = (await mountWith(open, { relay: 'https://two.example', org: 'one' })) as [EntenteProvider]
    expect(provider.engine).toBe(first)
    provider.org = 'two'
    await drawn(provider)
    expect(provider.engine).toBe(second)
    provider.engine = set
    await drawn(provider)
    provider.org = 'one'
    await drawn(provider)
    expect(provider.engine).toBe(set)
  })
})

describe('an element beside hostile styles', () => {
  it('stays readable where the page’s rules reach every element', async () => {
    const rules = new CSSStyleSheet()
    rules.replaceSync(`* { all: unset !important; box-sizing: content-box !important; font-size: 80px !important; letter-spacing: 1em !important;
      text-transform: uppercase !important; color: transparent !important; line-height: 0 !important; white-space: pre !important }
      button, table, section { display: none !important }`)
    document.adoptedStyleSheets = [rules]
    try {
      const scene = { records: [opportunity('a')], connections: [connected()], agreement: agreed(), mirrors: [mirror()] }
      const related = await mount('entente-external', { engine: fakeEngine(scene), record: 'a' })
      const { fontSize, display, color, letterSpacing, textTransform } = getComputedStyle(find(related, 'td.theirs'))
      expect({ fontSize, display, letterSpacing, textTransform }).toEqual({
        fontSize: '14px',
        display: 'table-cell',
        letterSpacing: 'normal',
        textTransform: 'none',
      })
      expect(color).not.toBe('rgba(0, 0, 0, 0)')
      expect(getComputedStyle(related).display).toBe('block')
      expect(related.getBoundingClientRect().height).toBeGreaterThan(150)
    } finally {
      document.adoptedStyleSheets = []
    }
  })
})
