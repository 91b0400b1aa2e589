import { describe, expect, it } from 'vitest'
import '../define.js'
import { fakeEngine, type Scene } from '../testing/fake-engine.js'
import { accessibilityProblems, button, drawn, find, mount, textOf } from '../testing/mount.js'
import { connected, connectionId } from '../testing/scenes.js'

const people = [
  { id: 'paul', name: 'Paul Okafor', granted: true, seated: true, objects: ['Lead', 'Opportunity'] as const, until: undefined },
  { id: 'pia', name: 'Pia Sandberg', granted: false, seated: false, objects: [], until: undefined },
]

describe('who may export', () => {
  it('is for Vera to grant and to revoke', async () => {
    const engine = fakeEngine({ connections: [connected()], people, seats: { total: 5, used: 1 } })
    const list = await mount('entente-people', { engine, connection: connectionId })
    button(list, 'Grant').click()
    button(list, 'Revoke').click()
    await drawn(list)
    expect(engine.calls).toEqual([
      ['grant', connectionId, 'pia'],
      ['revoke', connectionId, 'paul'],
    ])
    expect(await accessibilityProblems()).toEqual([])
  })

  it('ends where the seats end', async () => {
    const engine = fakeEngine({ connections: [connected()], people, seats: { total: 1, used: 1 } })
    const list = await mount('entente-people', { engine, connection: connectionId })
    expect(button(list, 'Grant').disabled).toBe(true)
    expect(button(list, 'Grant').title).toContain('No seat is left. Paul Okafor has it')
    expect(textOf(list)).toContain('All seats are taken: Paul Okafor.')
  })

  it('says what for and until when, which Vera changes', async () => {
    const until = Date.UTC(2027, 5, 1)
    const [paul, pia] = people
    const limited = [
      { ...paul, objects: ['Lead'] as const, until },
      { ...pia, until: Date.UTC(2026, 5, 1) },
    ] as Scene['people']
    const engine = fakeEngine({ connections: [connected()], people: limited, seats: { total: 5, used: 1 } })
    const list = await mount('entente-people', { engine, connection: connectionId })
    expect(textOf(list)).toContain('May export leads until 1 Jun 2027')
    expect(textOf(list)).toContain('Ran out 1 Jun 2026')
    button(list, 'Change').click()
    await drawn(list)
    expect(await accessibilityProblems()).toEqual([])
    find<HTMLInputElement>(list, 'input[name=Opportunity]').click()
    find<HTMLInputElement>(list, 'input[name=until]').value = ''
    button(list, 'Save').click()
    await drawn(list)
    expect(engine.calls).toEqual([['grant', connectionId, 'paul', { objects: ['Lead', 'Opportunity'] }]])
  })

  it('is said to wait while the connection pauses: who paused it, when, and that Vera may change it', async () => {
    const paused = connected({ why: { what: 'paused', by: 'peer', at: Date.UTC(2026, 10, 3, 12) } })
    const engine = fakeEngine({ connections: [paused], people, seats: { total: 5, used: 1 } })
    const list = await mount('entente-people', { engine, connection: connectionId })
    expect(textOf(list)).toMatch(/Tessaly & Brook paused the connection on 3 Nov 2026.*Nothing flows meanwhile\./)
    expect(textOf(list)).toContain('when Tessaly & Brook resumes it. Nobody exports until then. Grants can be changed.')
    expect(button(list, 'Grant').disabled).toBe(false)
  })

  it('is for Paul to see and not to change', async () => {
    const engine = fakeEngine({ connections: [connected({ side: 'partner' })], people })
    const list = await mount('entente-people', { engine, connection: connectionId })
    expect(list.shadowRoot?.querySelectorAll('button, input')).toHaveLength(0)
    expect(textOf(list)).toContain('The vendor decides')
  })
})
