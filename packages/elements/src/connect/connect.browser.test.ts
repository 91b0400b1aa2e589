import type { ConnectionView } from '@entente/engine'
import { describe, expect, it } from 'vitest'
import '../define.js'
import { fakeEngine } from '../testing/fake-engine.js'
import { accessibilityProblems, button, drawn, find, mount, textOf } from '../testing/mount.js'
import { connected } from '../testing/scenes.js'

describe('connecting, at Vera’s screen', () => {
  it('makes one invitation on a double click, and shows its link only there', async () => {
    const invitation = { link: 'https://vendor.example/#invite=secret', expires: Date.UTC(2027, 0, 5), state: 'open' }
    const engine = fakeEngine()
    const page = await mount('entente-connect', { engine, base: 'https://vendor.example/' })
    button(page, 'Make an invitation').click()
    button(page, 'Make an invitation').click()
    expect(engine.calls).toEqual([['invite', 'https://vendor.example/']])
    engine.change(
      { connections: [connected({ state: 'Pending', peerName: undefined, code: undefined, verified: 'no', invitation })] },
      'connections',
    )
    await drawn(page)
    expect(find<HTMLInputElement>(page, 'input[aria-label="Invitation link"]').value).toBe(invitation.link)
    expect(textOf(page)).not.toContain('secret')
    expect(await accessibilityProblems()).toEqual([])
  })

  it('asks to compare the codes, and takes the answer', async () => {
    const engine = fakeEngine({ connections: [connected({ verified: 'no' })] })
    const page = await mount('entente-connect', { engine })
    expect(find(page, '.code').textContent?.replace(/\s/g, '')).toBe('123456789012')
    button(page, 'They are the same').click()
    await drawn(page)
    expect(engine.calls).toEqual([['compareCodes', connected().id, true]])
    expect(await accessibilityProblems()).toEqual([])
  })

  it('says who is still to compare the codes', async () => {
    const says = async (verified: 'yes' | 'no', peerVerified: boolean): Promise<string> =>
      textOf(await mount('entente-connect', { engine: fakeEngine({ connections: [connected({ verified, peerVerified })] }) }))
    expect(await says('no', false)).toContain('Both are still to compare')
    expect(await says('yes', false)).toContain('Tessaly & Brook is still to compare')
    expect(await says('no', true)).toContain('Tessaly & Brook has compared the codes; you are still to')
    expect(await says('yes', true)).toContain('Codes compared')
  })

  it('blocks only after asking what different codes mean (row 70)', async () => {
    const engine = fakeEngine({ connections: [connected({ verified: 'no' })] })
    const page = await mount('entente-connect', { engine })
    button(page, 'They differ').click()
    await drawn(page)
    expect(engine.calls).toEqual([])
    button(page, 'Block it').click()
    await drawn(page)
    expect(engine.calls).toEqual([['compareCodes', connected().id, false]])
    engine.change(
      { connections: [connected({ state: 'Error', verified: 'mismatch', problem: 'The codes did not match.' })] },
      'connections',
    )
    await drawn(page)
    expect(textOf(page)).toContain('Codes differ')
    expect(textOf(page)).not.toContain('They are the same')
  })

  it('takes a slip back, and says whose word it is; “Disconnect” is advised where its button is', async () => {
    const engine = fakeEngine({
      connections: [
        connected({ state: 'Error', verified: 'mismatch', mismatchBy: 'own', why: { what: 'mismatch', by: 'own', at: undefined } }),
      ],
    })
    const page = await mount('entente-connect', { engine })
    expect(textOf(page)).toContain('Your org found that the codes')
    expect(button(page, 'Disconnect')).toBeDefined()
    expect(await accessibilityProblems()).toEqual([])
    button(page, 'Compare again').click()
    await drawn(page)
    expect(engine.calls).toEqual([['compareAgain', connected().id]])
    engine.change({ connections: [connected({ verified: 'no', peerVerified: false, comparedAgain: 1 })] }, 'connections')
    await drawn(page)
    expect(textOf(page)).toContain('both begin once more')
    expect(textOf(page)).toContain('They are the same')
    engine.change(
      {
        connections: [
          connected({ state: 'Error', verified: 'mismatch', mismatchBy: 'peer', why: { what: 'mismatch', by: 'peer', at: undefined } }),
        ],
      },
      'connections',
    )
    await drawn(page)
    expect(textOf(page)).toContain('its admin takes it back on its own screen')
    expect(textOf(page)).not.toContain('Your org found that the codes')
    expect(button(page, 'Disconnect')).toBeDefined()
    // A member has neither the button nor the advice.
    const member = await mount('entente-connect', { engine: fakeEngine({ role: 'member', connections: engine.scene.connections }) })
    expect(textOf(member)).toContain('ask an admin of your org')
    expect(textOf(member).toLowerCase()).not.toContain('disconnect')
  })

  it('shows who a link says it is from, as a claim, and forgets it on request', async () => {
    const engine = fakeEngine()
    const page = await mount('entente-connect', { engine, link: 'https://vendor.example/#invite=secret' })
    expect(textOf(page)).toContain('It says it is from Tessaly & Brook')
    expect(textOf(page)).toContain('Nobody has proven that yet')
    expect(await accessibilityProblems()).toEqual([])
    let declined = 0
    page.addEventListener('entente-declined', () => declined++)
    button(page, 'Not now, forget this link').click()
    await drawn(page)
    expect([declined, textOf(page).includes('Tessaly')]).toEqual([1, false])
    expect(engine.calls).toEqual([])
  })

  it('calls a name unproven until the codes are compared', async () => {
    const says = async (part: Partial<ConnectionView>): Promise<string> =>
      textOf(await mount('entente-connect', { engine: fakeEngine({ connections: [connected(part)] }) }))
    expect(await says({ verified: 'no' })).toContain('not proven yet')
    expect(await says({})).toContain('is your partner')
    expect(await says({ label: 'Lyon', verified: 'no' })).toMatch(/Lyon.*it says it is Tessaly & Brook, not proven yet/s)
    expect(await says({ side: 'partner', state: 'Pending', code: undefined, verified: 'no' })).toContain('is inviting you')
  })

  it('names a connection anew, and takes a dead one out of the list', async () => {
    const dead = connected({
      state: 'Error',
      code: undefined,
      peerName: undefined,
      verified: 'no',
      problem: 'It has expired. Make a new one.',
    })
    const engine = fakeEngine({ connections: [dead] })
    const page = await mount('entente-connect', { engine })
    button(page, 'Rename').click()
    await drawn(page)
    find<HTMLInputElement>(page, 'input[name=name]').value = 'For Lyon'
    expect(await accessibilityProblems()).toEqual([])
    button(page, 'Save').click()
    await drawn(page)
    await drawn(page)
    button(page, 'Remove from the list').click()
    await drawn(page)
    expect(engine.calls).toEqual([
      ['rename', dead.id, 'For Lyon'],
      ['remove', dead.id],
    ])
    engine.change({ connections: [connected()] }, 'connections')
    await drawn(page)
    expect(textOf(page)).not.toContain('Remove from the list')
  })

  it('offers nothing to a member', async () => {
    const page = await mount('entente-connect', { engine: fakeEngine({ role: 'member' }) })
    expect(page.shadowRoot?.querySelectorAll('button')).toHaveLength(0)
    expect(textOf(page)).toContain('Only admins')
  })

  it('pauses after asking, and resumes', async () => {
    const engine = fakeEngine({ connections: [connected()] })
    const page = await mount('entente-connect', { engine })
    button(page, 'Pause').click()
    await drawn(page)
    find<HTMLDialogElement>(page, 'dialog').querySelector<HTMLButtonElement>('button.primary, button.danger')?.click()
    await expect.poll(() => engine.calls).toEqual([['pause', connected().id]])
    engine.change({ connections: [connected({ why: { what: 'paused', by: 'both', at: Date.UTC(2027, 0, 5) } })] }, 'connections')
    await drawn(page)
    expect(textOf(page)).toContain('Your org and Tessaly & Brook paused the connection')
    expect(await accessibilityProblems()).toEqual([])
    button(page, 'Resume').click()
    await expect.poll(() => engine.calls.at(-1)).toEqual(['resume', connected().id])
    engine.change({ connections: [connected({ why: { what: 'paused', by: 'peer', at: Date.UTC(2027, 0, 5) } })] }, 'connections')
    await drawn(page)
    expect(textOf(page)).toContain('Tessaly & Brook paused the connection')
    expect(textOf(page)).toContain('flows when Tessaly & Brook resumes it')
  })

  it('says who ended it and when, and connects again with the records that were shared', async () => {
    const ended = connected({ state: 'Disabled', why: { what: 'disconnected', by: 'peer', at: Date.UTC(2027, 0, 5) } })
    const engine = fakeEngine({ connections: [ended] })
    const page = await mount('entente-connect', { engine, base: 'https://vendor.example/' })
    expect(textOf(page)).toContain('Tessaly & Brook ended the connection on')
    expect(await accessibilityProblems()).toEqual([])
    button(page, 'Connect again').click()
    await expect.poll(() => engine.calls).toEqual([['invite', 'https://vendor.example/']])
    engine.change({ connections: [connected({ verified: 'no', earlier: 312 })] }, 'connections')
    await drawn(page)
    expect(textOf(page)).toContain('312 records that you and Tessaly & Brook shared over an earlier connection go on')
  })

  it('leads from a second connection that was refused to the first one', async () => {
    const second = 'S'.repeat(22) as ConnectionView['id']
    const connections = [connected(), connected({ id: second, state: 'Disabled', first: connected().id, problem: 'Refused.' })]
    const page = await mount('entente-connect', { engine: fakeEngine({ connections }) })
    button(page, 'Show that connection').click()
    expect(page.shadowRoot?.activeElement?.id).toBe(`connection-${connected().id}`)
  })
})
