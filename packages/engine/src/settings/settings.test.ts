import { describe, expect, it } from 'vitest'
import { setup } from '../testing/index.js'

describe('what an org and its people choose', () => {
  it('stands until it is changed, each part alone', async () => {
    const { vera, paul } = await setup()
    expect(vera.settings.read()).toMatchObject({ currency: 'USD', locale: undefined })
    await vera.settings.change({ currency: 'EUR' })
    await vera.settings.change({ locale: 'de-DE' })
    expect(vera.settings.read()).toMatchObject({ currency: 'EUR', locale: 'de-DE' })
    await vera.settings.change({ locale: null })
    expect(vera.settings.read()).toMatchObject({ currency: 'EUR', locale: undefined })
    expect(paul.settings.read().currency).toBe('USD')
  })

  it('is told to those who show values', async () => {
    const { vera, settle } = await setup()
    const topics = new Set<string>()
    const end = vera.watch((changed) => {
      for (const topic of changed) topics.add(topic)
    })
    await vera.settings.change({ locale: 'de-DE' })
    await settle()
    end()
    expect(topics).toContain('settings')
  })

  it.each([
    ['a currency that is none', { currency: 'EURO' }],
    ['a currency in small letters', { currency: 'eur' }],
    ['a locale that is no tag', { locale: 'German, please' }],
    ['a locale of no language', { locale: 'qq' }],
    ['a good currency beside a bad locale', { currency: 'EUR', locale: '' }],
  ])('%s is refused and changes nothing', async (_, change) => {
    const { vera } = await setup()
    await expect(vera.settings.change(change)).rejects.toMatchObject({ code: 'INVALID' })
    expect(vera.settings.read()).toMatchObject({ currency: 'USD', locale: undefined })
  })
})
