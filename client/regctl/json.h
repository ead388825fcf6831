/* Moved: client/base/json.h. */
#include "client/base/json.h"
