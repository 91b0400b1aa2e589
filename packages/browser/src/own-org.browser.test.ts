import { afterEach, beforeEach, expect, it } from 'vitest'
import { openBrowserEngine } from './open.js'
import { forgetRelay, freeOrgName, hadOrg, keepOrg, keepRelay, keptOrgs, keptRelay, openOwnOrg, ownOrgStore } from './own-org.js'
import { askToPersist, persistence } from './persistence.js'

// A page of Vera's origin that only shows her org. No relay answers: an org opens without one.

const relay = 'ws://127.0.0.1:9/socket'

beforeEach(() => localStorage.clear())
afterEach(() => localStorage.clear())

async function databases(): Promise<readonly (string | undefined)[]> {
  return (await indexedDB.databases()).map(({ name }) => name)
}

it('opens the org that the app made, by the relay’s address or its socket', async () => {
  const name = ownOrgStore('vera')
  const made = await openBrowserEngine({ name, relay, create: { orgName: 'Alder Devices', userName: 'Vera' } })
  keepRelay(name, relay)
  await made.close()
  for (const address of ['http://127.0.0.1:9', 'http://127.0.0.1:9/', relay]) {
    const engine = await openOwnOrg({ org: 'vera', relay: address })
    expect(engine.org.name).toBe('Alder Devices')
    await engine.close()
  }
})

it('makes no org, and not even its store, where there is none', async () => {
  await expect(openOwnOrg({ org: 'nobody', relay })).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: expect.stringContaining('nobody'),
  })
  expect(await databases()).not.toContain('entente-workspace-nobody')
})

it('takes no org to another relay, and no address that is none of a relay', async () => {
  keepRelay(ownOrgStore('vera'), relay)
  await expect(openOwnOrg({ org: 'vera', relay: 'https://elsewhere.example' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(keptRelay(ownOrgStore('vera'))).toBe(relay)
  for (const address of ['', 'relay.example', 'javascript:alert(1)', 'data:text/html,x'])
    await expect(openOwnOrg({ org: 'vera', relay: address })).rejects.toMatchObject({ code: 'INVALID' })
})

it('still knows the name of an org that the browser has deleted (row 52)', async () => {
  const name = ownOrgStore('gone')
  expect(hadOrg(name)).toBeUndefined()
  const made = await openBrowserEngine({ name, relay, create: { orgName: 'Alder Devices & Sons', userName: 'Vera' } })
  keepOrg(name, made.org)
  await made.close()
  await new Promise((resolve) => (indexedDB.deleteDatabase(`entente-${name}`).onsuccess = resolve))
  await expect(openBrowserEngine({ name, relay })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(hadOrg(name)).toEqual({ id: made.org.id, name: 'Alder Devices & Sons' })
})

it('lists the orgs of this browser by name, and has a name for another one', () => {
  expect([keptOrgs(), freeOrgName()]).toEqual([[], 'default'])
  const org = (id: string, name: string): Parameters<typeof keepOrg>[1] => ({ id: id as Parameters<typeof keepOrg>[1]['id'], name })
  keepOrg(ownOrgStore('default'), org('v', 'Zelkova & Sons'))
  keepRelay(ownOrgStore('default'), relay)
  expect(freeOrgName()).toBe('org-2')
  // A browser that is joining an org has no name of it yet, and its store is taken all the same.
  keepRelay(ownOrgStore('org-2'), relay)
  expect(freeOrgName()).toBe('org-3')
  forgetRelay(ownOrgStore('org-2'))
  expect(freeOrgName()).toBe('org-2')
  keepOrg(ownOrgStore('org-2'), org('p', 'Alder Devices'))
  localStorage.setItem('entente-org/another-page', 'x Not made by the app')
  expect(freeOrgName()).toBe('org-3')
  expect(keptOrgs()).toEqual([
    { org: 'org-2', store: 'workspace-org-2', id: 'p', name: 'Alder Devices', relay: undefined },
    { org: 'default', store: 'workspace-default', id: 'v', name: 'Zelkova & Sons', relay },
  ])
})

it('says how safe this browser’s copy is, and asks for more without failing', async () => {
  expect(['kept', 'evictable', 'unknown']).toContain((await persistence()).state)
  expect(['kept', 'evictable', 'unknown']).toContain((await askToPersist()).state)
})
