import { describe, expect, it, vi } from 'vitest'
import { connect, connection, openOrg, settle, Wire } from './two-orgs.js'

vi.mock('../identity/decision.js', () => ({ verifyDecision: () => Promise.resolve({ ok: false, reason: 'x' }) }))

describe('x', () => {
  it('opens', async () => {
    const vera = await openOrg('vendor')
    await connect(vera)
    const wire = new Wire()
    await settle(wire, vera)
    expect(vera.agreements.get(connection)?.state).toBe('none')
  })
})
