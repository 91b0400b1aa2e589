import * as v from 'valibot'

/**
 * The schema of a text that a parser such as `parseKey` turns into an id or a name. Where the parser throws, the schema reports an issue, so that `safeParse`
 * throws nothing.
 */
export function parsedText<T extends string>(parse: (text: string) => T): v.GenericSchema<string, T> {
  return v.pipe(
    v.string(),
    v.rawTransform<string, T>(({ dataset, addIssue, NEVER }) => {
      try {
        return parse(dataset.value)
      } catch {
        addIssue({ message: 'A text has another form.' })
        return NEVER
      }
    }),
  )
}
