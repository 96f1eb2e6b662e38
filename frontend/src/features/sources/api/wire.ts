import type { Schemas } from '@/api/wire';

export type Source = Schemas['PostSource'];
export type RevealedSource = Schemas['RevealedSource'];
export type PostMapping = Schemas['PostMapping'];
export type MappingPreview = Schemas['MappingPreview'];
export type NewPost = Schemas['NewPost'];
export type NewSource = Schemas['NewSource'];
export type SourceNetwork = Schemas['SourceNetwork'];
export type SourceSettings = Schemas['SourceSettings'];
export type SourceState = Schemas['SourceState'];
export type SourceGap = Schemas['SourceGap'];
export type SourceQueries = Schemas['SourceQueries'];
export type SourceQuery = Schemas['SourceQuery'];
export type LeftOutEffect = Schemas['LeftOutEffect'];
export type SourceTest = Schemas['SourceTest'];

/** The server's limit on the gaps that it lists of a source. */
export const GAPS_MAX = 100;
