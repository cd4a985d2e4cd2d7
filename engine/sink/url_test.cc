#include "engine/sink/url.h"

#include <gtest/gtest.h>

namespace powercut::engine {
namespace {

TEST(SinkUrl, OfAPasswordThereAreStars) {
  const std::pair<const char*, const char*> known[] = {
      {"", ""},
      {"postgresql://db/shop", "postgresql://db/shop"},
      {"postgresql://ann@db/shop", "postgresql://ann@db/shop"},
      {"postgresql://ann:secret@db/shop", "postgresql://ann:***@db/shop"},
      {"postgres://ann:secret@[::1]:5433/shop?a=b:c@d", "postgres://ann:***@d"},
      {"postgres://ann:s/e?cr:e@t@db:5432/shop", "postgres://ann:***@db:5432/shop"},
      {"postgres://db/shop?application_name=a:b@c", "postgres://db/shop?application_name=a:b@c"},
      {"postgresql://[::1]:5433/shop?application_name=x",
       "postgresql://[::1]:5433/shop?application_name=x"},
      {"postgresql:///shop?host=db&password=secret&user=ann",
       "postgresql:///shop?host=db&password=***&user=ann"},
      {"postgresql:///shop?pass%77ord=secret&sslPassword=x&flag",
       "postgresql:///shop?pass%77ord=***&sslPassword=***&flag"},
      {"postgresql:///shop?p%61ssword=secret&%50assw%4fRd=x%%4&%gz=1",
       "postgresql:///shop?p%61ssword=***&%50assw%4fRd=***&%gz=1"},
      {"postgresql:///shop?pass%7&word=1&%70assword=x",
       "postgresql:///shop?pass%7&word=1&%70assword=***"},
      {"postgresql:///shop?passwor%6A=x&passwo%72d=y&p%6f%70=z",
       "postgresql:///shop?passwor%6A=x&passwo%72d=***&p%6f%70=z"},
      {"postgresql:///shop?&&=", "postgresql:///shop?&&="},
      {"host=db password=secret dbname=shop", "host=db password=*** dbname=shop"},
      {" host = db  password = 'se \\' cret' user=ann", " host = db  password = *** user=ann"},
      {"password=se\\ cret user=ann", "password=*** user=ann"},
      {"sslpassword=x passfile=/f", "sslpassword=*** passfile=/f"},
      {"password=a secret", "password=*** ***"},
      {"password='open", "password=***"},
  };
  for (const auto& [url, shown] : known) EXPECT_EQ(without_password(url), shown) << url;
  EXPECT_EQ(without_password(std::string_view("host= x").substr(0, 5)), "host=")
      << "nothing behind its end is looked at";
}

}  // namespace
}  // namespace powercut::engine
