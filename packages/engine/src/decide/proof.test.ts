import { expect, it } from 'vitest'
import { setup } from '../testing/index.js'
import { type Decided, isProof, prove } from './proof.js'

it('[DR1] the signature of a register is for its org, place, stamp and value, and for nothing else', async () => {
  const { vera, paul } = await setup()
  const { identity, rosters, org } = vera
  const device = await rosters.device(org.id, identity.device)
  if (!device) throw new Error('Vera is on no roster.')
  const decided: Decided = { org: org.id, object: 'Setting', id: 'org', field: 'currency', register: [[7, 1, 3], 'SEK'] }
  const proof = await prove(identity.signText, identity.device, decided)
  const others: readonly Partial<Decided>[] = [
    { org: paul.org.id },
    { object: 'Grant' },
    { id: 'other' },
    { field: 'language' },
    { register: [[8, 1, 3], 'SEK'] },
    { register: [[7, 1, 3], 'JPY'] },
  ]
  const counts = (change: Partial<Decided>): Promise<boolean> => isProof(proof, identity.device, device, { ...decided, ...change })
  expect(await counts({})).toBe(true)
  expect(await Promise.all(others.map(counts))).toEqual(others.map(() => false))
})
