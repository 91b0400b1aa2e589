import { describe, expect, it } from 'vitest'
import '../define.js'
import { fakeEngine } from '../testing/fake-engine.js'
import { accessibilityProblems, button, drawn, mount, textOf } from '../testing/mount.js'
import { connected, connectionId } from '../testing/scenes.js'

const people = [
  { id: 'paul', name: 'Paul Okafor', granted: true },
  { id: 'pia', name: 'Pia Sandberg', granted: false },
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
    expect(button(list, 'Grant').title).toContain('No seat is left')
  })

  it('is for Paul to see and not to change', async () => {
    const engine = fakeEngine({ connections: [connected({ side: 'partner' })], people })
    const list = await mount('entente-people', { engine, connection: connectionId })
    expect(list.shadowRoot?.querySelectorAll('button, input')).toHaveLength(0)
    expect(textOf(list)).toContain('The vendor decides')
  })
})
