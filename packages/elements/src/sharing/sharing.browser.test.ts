import { describe, expect, it } from 'vitest'
import '../define.js'
import { fakeEngine } from '../testing/fake-engine.js'
import { accessibilityProblems, button, drawn, mount, textOf } from '../testing/mount.js'
import { agreed, connected, connectionId, opportunities } from '../testing/scenes.js'

describe('Vera’s sharing rule', () => {
  it('counts before it is saved, and is saved as it stands', async () => {
    const engine = fakeEngine({ connections: [connected()], agreement: agreed(), records: opportunities(30) })
    const rule = await mount('entente-sharing', { engine, connection: connectionId })
    expect(button(rule, 'Save the rule').disabled).toBe(true)
    button(rule, 'Add a condition').click()
    await drawn(rule)
    button(rule, 'Closed Won').click()
    await drawn(rule)
    expect(textOf(rule)).toContain('7 of 30 opportunities would be shown')
    button(rule, 'Save the rule').click()
    await drawn(rule)
    const conditions = [{ field: 'StageName', operator: 'oneOf', value: ['Closed Won'] }]
    expect(engine.calls).toEqual([['setRule', connectionId, 'Opportunity', { match: 'all', conditions, added: [], hidden: [] }]])
    expect(await accessibilityProblems()).toEqual([])
  })
})
