import { EngineError } from '@entente/engine'
import { describe, expect, it, vi } from 'vitest'
import '../define.js'
import { fakeEngine, quietLine } from '../testing/fake-engine.js'
import { drawn, mount, textOf } from '../testing/mount.js'
import { defineElement } from './define-element.js'

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
