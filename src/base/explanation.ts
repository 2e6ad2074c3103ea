/** Set by the build for pages: see build/brief-texts.ts. */
declare const BRIEF_TEXTS: boolean | undefined

/** Whether this is the build that pages load in production, whose texts are short. */
export const brief = typeof BRIEF_TEXTS === 'boolean' && BRIEF_TEXTS

/**
 * A text for developers: what happened and what to do. In the build that pages load in production each text is a short
 * key with its values, `#k3f(1000, 20)`, which `npx livesocket explain` turns back into the text. So no code may depend
 * on the wording, and texts that users or servers read must not use this.
 */
export const explain: (text: TemplateStringsArray, ...values: unknown[]) => string = brief
  ? (key, ...values) => `#${String(key)}(${values.join(', ')})`
  : (text, ...values) => String.raw({ raw: text }, ...values)
