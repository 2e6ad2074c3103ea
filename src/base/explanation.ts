/** Set by the build for pages: see build/brief-texts.ts. */
declare const BRIEF_TEXTS: boolean | undefined

/** This is the build that pages load, in which texts are short. */
export const brief = typeof BRIEF_TEXTS === 'boolean' && BRIEF_TEXTS

/**
 * A text for developers: what happened and what to do. In the build that pages load each is a short key with its
 * values, `#k3f(1000, 20)`, of which `npx livesocket explain` makes the text again; so nothing may depend on what it
 * says, and what users or servers read is no such text.
 */
export const explain: (text: TemplateStringsArray, ...values: unknown[]) => string = brief
  ? (key, ...values) => `#${String(key)}(${values.join(', ')})`
  : (text, ...values) => String.raw({ raw: text }, ...values)
