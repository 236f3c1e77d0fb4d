// The service's schema: the files of auth/migrations, baked in by the build.
#pragma once

#include "base/embedded_text.hpp"

namespace auth {

base::EmbeddedTexts migrations();

}  // namespace auth
