import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { instantToDate, isDate, isZone, localToInstant, normaliseInstant, normaliseTime } from './calendar.js'

const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Pacific/Kiritimati', 'America/St_Johns')
const days = fc
  .date({ min: new Date('1990-01-01'), max: new Date('2080-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 10))

describe('dates and instants', () => {
  it('knows the calendar', () => {
    expect(['2024-02-29', '2000-02-29', '1700-01-01', '4000-12-31'].every(isDate)).toBe(true)
    const wrong = [
      '2023-02-29',
      '1900-02-29',
      '2024-13-01',
      '2024-00-10',
      '2024-04-31',
      '1699-12-31',
      '4001-01-01',
      '+275760-09-13',
      '24-01-01',
      '2024-1-1',
    ]
    expect(wrong.filter(isDate)).toEqual([])
  })

  it('a day is the same day again in its own zone', () => {
    fc.assert(
      fc.property(days, zones, (day, zone) => {
        const instant = localToInstant(day, '00:00:00.000', zone)
        expect(instant).toBeDefined()
        expect(instantToDate(instant ?? '', zone)).toBe(day)
      }),
    )
  })

  it('brings every offset to UTC', () => {
    expect(normaliseInstant('2017-03-01T09:30:00+01:00')).toBe('2017-03-01T08:30:00.000Z')
    expect(normaliseInstant('2017-03-01T23:30-0200')).toBe('2017-03-02T01:30:00.000Z')
    expect(normaliseInstant('2017-03-01 09:30:00.123456Z')).toBe('2017-03-01T09:30:00.123Z')
    expect(
      ['2017-03-01T09:30:00', '2017-02-30T00:00:00Z', '2017-03-01T24:00:00Z', '2017-03-01T00:00:00+15:00'].map(normaliseInstant),
    ).toEqual([undefined, undefined, undefined, undefined])
  })

  it('stays whole around a clock change', () => {
    expect(localToInstant('2026-07-01', '00:00:00.000', 'Europe/Berlin')).toBe('2026-06-30T22:00:00.000Z')
    expect(localToInstant('2026-01-01', '00:00:00.000', 'Europe/Berlin')).toBe('2025-12-31T23:00:00.000Z')
    // 02:30 does not exist on this day; the clock goes from 02:00 to 03:00.
    expect(localToInstant('2026-03-29', '02:30:00.000', 'Europe/Berlin')).toMatch(/^2026-03-29T0[01]:30:00.000Z$/)
    expect(isZone('Europe/Nowhere')).toBe(false)
    expect(localToInstant('2026-03-29', '02:30:00.000', 'Europe/Nowhere')).toBeUndefined()
    expect(instantToDate('2026-03-29T00:00:00.000Z', '')).toBeUndefined()
  })

  it('completes times of day', () => {
    expect(['9:30', '23:59:59.9', '00:00:00'].map(normaliseTime)).toEqual(['09:30:00.000', '23:59:59.900', '00:00:00.000'])
    expect(['24:00', '12:60', '12', '12:30:61', 'noon'].map(normaliseTime)).toEqual([undefined, undefined, undefined, undefined, undefined])
  })
})

describe('where clocks change', () => {
  it.each([
    ['Europe/Berlin', '2027-03-28', '02:30', '2027-03-28T01:30:00.000Z'],
    ['America/New_York', '2027-03-14', '02:30', '2027-03-14T07:30:00.000Z'],
    ['Australia/Lord_Howe', '2027-10-03', '02:15', '2027-10-02T15:45:00.000Z'],
    ['Pacific/Apia', '2011-12-30', '10:00', '2011-12-30T20:00:00.000Z'],
  ])('%s skips %s %s, which moves on by the gap', (zone, date, time, instant) => {
    expect(localToInstant(date, `${time}:00.000`, zone)).toBe(instant)
  })

  it.each([
    ['Europe/Berlin', '2027-10-31', '02:30', '2027-10-31T00:30:00.000Z'],
    ['America/New_York', '2027-11-07', '01:30', '2027-11-07T05:30:00.000Z'],
    ['Australia/Lord_Howe', '2027-04-04', '01:45', '2027-04-03T14:45:00.000Z'],
  ])('in %s, %s %s comes twice, and is the first', (zone, date, time, instant) => {
    expect(localToInstant(date, `${time}:00.000`, zone)).toBe(instant)
  })

  it.each(['01:59', '03:00', '12:00'])('the day’s other times, such as %s, stay', (time) => {
    const instant = localToInstant('2027-03-28', `${time}:00.000`, 'Europe/Berlin')
    expect(instant).toBe(new Date(`2027-03-28T${time}:00${time < '02' ? '+01:00' : '+02:00'}`).toISOString())
  })
})
