/** No maps at all: for systems without them. Everything is read. */
import type { MapProvider } from "./map.ts";

export const plainMaps: MapProvider = { map: () => null };
