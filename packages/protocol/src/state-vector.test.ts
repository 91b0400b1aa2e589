import { expect, it } from 'vitest'
import { decodeStateVector, emptyVector, encodeStateVector } from './state-vector.js'

it('a state vector is read again as it was written', () => {
  const vector = new Map([
    [2 ** 53 - 1, 7],
    [1, 2 ** 31 - 1],
  ])
  expect(decodeStateVector(encodeStateVector(vector))).toEqual(vector)
  expect(decodeStateVector(encodeStateVector(emptyVector)).size).toBe(0)
})
