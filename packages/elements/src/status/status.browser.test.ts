import { describe, expect, it } from 'vitest'
import '../define.js'
import { fakeEngine, quietLine } from '../testing/fake-engine.js'
import { accessibilityProblems, button, drawn, find, mount, textOf } from '../testing/mount.js'
import { connected } from '../testing/scenes.js'

describe('the state of the line', () => {
  it('says apart how the line is and what waits on the device', async () => {
    const engine = fakeEngine()
    const status = await mount('entente-status', { engine, cuttable: true })
    expect(textOf(status)).toMatch(/Online\s+All changes sent/)
    button(status, 'Cut the wire').click()
    engine.change({ sync: { ...quietLine, state: 'offline', cut: true, waiting: 2 } }, 'records')
    await drawn(status)
    expect(engine.calls).toEqual([['cut']])
    expect(textOf(status)).toMatch(/Wire cut\s+2 changes wait/)
    expect(button(status, 'Mend the wire').getAttribute('aria-pressed')).toBe('true')
    expect(await accessibilityProblems()).toEqual([])
  })

  it('says how far a device has come that has just joined, and nothing of that later', async () => {
    const engine = fakeEngine({ sync: { ...quietLine, lastSynced: undefined, entriesIn: 3_400, waiting: 2 } })
    const status = await mount('entente-status', { engine })
    expect(textOf(status)).toMatch(/Online\s+Receiving: 3,400 so far/)
    engine.change({ sync: { ...quietLine, lastSynced: undefined, entriesIn: 3_500 } }, 'sync')
    // While so much comes it draws four times a second.
    await expect.poll(() => textOf(status)).toMatch(/3,500 so far/)
    engine.change({ sync: { ...quietLine, entriesIn: 10_000 } }, 'sync')
    await expect.poll(() => textOf(status)).toMatch(/Online\s+All changes sent/)
  })

  it('does not say that all is sent while a pause keeps edits here', async () => {
    const paused = connected({ why: { what: 'paused', by: 'peer', at: 0 } })
    const engine = fakeEngine({ connections: [paused] })
    const status = await mount('entente-status', { engine })
    expect(textOf(status)).toMatch(/Online\s+Edits for Tessaly & Brook wait for the pause to end/)
    engine.change({ sync: { ...quietLine, state: 'offline' } }, 'sync')
    await drawn(status)
    expect(textOf(status)).toMatch(/Offline\s+Edits for Tessaly & Brook wait/)
    const corvid = connected({ id: 'DDDDDDDDDDDDDDDDDDDDDD' as typeof paused.id, peerName: 'Corvid Resale', why: paused.why })
    engine.change({ connections: [paused, corvid] }, 'connections')
    await drawn(status)
    expect(textOf(status)).toContain('Edits for 2 orgs wait for the pause to end')
    engine.change({ connections: [connected()], sync: quietLine }, 'connections', 'sync')
    await drawn(status)
    expect(textOf(status)).toMatch(/Online\s+All changes sent/)
  })

  it('takes offline as a state and not as a fault', async () => {
    const status = await mount('entente-status', { engine: fakeEngine({ sync: { ...quietLine, state: 'offline' } }) })
    expect(textOf(status)).toContain('Offline')
    expect(find(status, '.status').className).not.toContain('refused')
  })

  it.each([
    ['outdated', /Reload this page\s+A newer version of the app is open/],
    ['elsewhere', /Open twice\s+Another page keeps your org in sync/],
  ] as const)('says what to do about a page that is %s', async (stoodDown, words) => {
    const sync = { ...quietLine, state: 'offline' as const, leader: false, stoodDown }
    const status = await mount('entente-status', { engine: fakeEngine({ sync }), details: true })
    expect(textOf(status)).toMatch(words)
    expect(find(status, 'details').textContent).toMatch(/This tab holds the line\s*no(?!,)/)
    expect(await accessibilityProblems()).toEqual([])
  })

  it('tells figures and problems to whom asks', async () => {
    const sync = { ...quietLine, problems: [{ at: Date.now() - 60_000, what: 'import: the package did not open' }] }
    const status = await mount('entente-status', { engine: fakeEngine({ sync }), details: true })
    expect(textOf(status)).toContain('import: the package did not open')
    expect(find(status, 'details').textContent).toContain('frames')
    expect(find<HTMLDetailsElement>(status, 'details').open).toBe(false)
    expect(await accessibilityProblems()).toEqual([])
  })
})
