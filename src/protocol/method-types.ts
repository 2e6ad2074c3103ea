import type { StandardSchemaV1 } from '@standard-schema/spec'

/**
 * The methods of a server, by name: one type for both sides.
 *
 * ```ts
 * interface Methods { rename(room: { id: string; name: string }): { changed: boolean } }
 * ```
 */
export type MethodTypes = Record<string, (data: any) => unknown>

/** The data of a method. */
export type MethodData<Method> = Method extends (...args: infer Args) => unknown
  ? Args extends []
    ? undefined
    : Args[0]
  : never

/** The answer of a method. */
export type MethodAnswer<Method> = Method extends (...args: any[]) => infer Answer ? Awaited<Answer> : never

/** Standard Schemas of a method: for its data and for its answer. */
export interface MethodSchema {
  readonly input?: StandardSchemaV1
  readonly output?: StandardSchemaV1
}

/** Standard Schemas of methods, by name: for the data and for the answer. */
export type MethodSchemas = { readonly [method: string]: MethodSchema }

type InputOf<Schema> = Schema extends { readonly input: infer S extends StandardSchemaV1 } ? S : StandardSchemaV1<any>
type OutputOf<Schema> = Schema extends { readonly output: infer S extends StandardSchemaV1 } ? S : StandardSchemaV1<any>

/** The methods as the caller sees them. */
export type AskedMethods<Schemas extends MethodSchemas> = {
  [Method in keyof Schemas]: (
    data: StandardSchemaV1.InferInput<InputOf<Schemas[Method]>>,
  ) => StandardSchemaV1.InferOutput<OutputOf<Schemas[Method]>>
}

/** The methods as the handler sees them. */
export type AnsweredMethods<Schemas extends MethodSchemas> = {
  [Method in keyof Schemas]: (
    data: StandardSchemaV1.InferOutput<InputOf<Schemas[Method]>>,
  ) => StandardSchemaV1.InferInput<OutputOf<Schemas[Method]>>
}
