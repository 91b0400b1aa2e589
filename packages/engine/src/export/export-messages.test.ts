import { limits } from '@entente/protocol'
import { utf8ByteLength } from 'lib0/string'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { exportError, fitResults, listingsPerRequest, resultTerms } from './export-messages.js'

const listing = 'L'.repeat(22)
const map = 'M'.repeat(22)

describe('the results of a package', () => {
  it.each([
    ['few short ones', 2, 40],
    ['three hundred short ones', 300, 40],
    ['three hundred of a thousand characters in four bytes each', 300, 1_000],
  ])('[IS3] fit into one message with %s for each of its listings (row 84)', (_, count, length) => {
    const text = '𝕏'.repeat(length / 2)
    const errors = Array.from({ length: count }, () => exportError(listing, text, text, text, text))
    const results = Array.from({ length: listingsPerRequest }, () => ({
      listing,
      map,
      status: 'ExportSubscribeFieldMapError' as const,
      errors,
    }))
    const fitted = fitResults(results)
    // As a JWS has it, in base64url.
    expect(utf8ByteLength(JSON.stringify(fitted)) * (4 / 3)).toBeLessThan(limits.valueBytes)
    expect(() => v.parse(resultTerms, { job: listing, request: 0, part: 0, results: fitted })).not.toThrow()
    expect(fitted.every((result) => result.errors.length >= 1)).toBe(true)
  })
})
