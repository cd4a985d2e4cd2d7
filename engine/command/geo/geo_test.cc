// The numbers are those that redis-server 7.0.15 gives.
#include <algorithm>

#include "engine/command/command_harness.h"

namespace powercut::engine {
namespace {

constexpr std::string_view kPalermo = "13.36138933897018433";
constexpr std::string_view kPalermoNorth = "38.11555639549629859";

class GeoTest : public ::testing::Test {
 protected:
  GeoTest() { run("GEOADD s 13.361389 38.115556 Palermo 15.087269 37.502669 Catania"); }
  std::string run(std::string_view line) { return harness(line); }
  std::vector<std::string> log() const { return harness.log; }
  using Log = std::vector<std::string>;
  using Strings = std::vector<std::string>;
  CommandHarness harness;
};

TEST_F(GeoTest, AddsAsZaddWouldAndLogsThat) {
  EXPECT_EQ(log(), Log{"0: ZADD s 3479099956230698 Palermo 3479447370796909 Catania"});
  EXPECT_EQ(run("GEOADD s CH NX 2.54 48.9 Paris 1 1 Palermo"), ":1\r\n");
  EXPECT_EQ(log(), Log{"0: ZADD s CH NX 3663839498847068 Paris 3377822707026402 Palermo"});
  EXPECT_EQ(run("ZSCORE s Palermo"), bulk("3479099956230698"));
  EXPECT_EQ(run("GEOADD s 13.361389 38.115556 Palermo"), ":0\r\n");
  EXPECT_TRUE(log().empty());
  EXPECT_EQ(run("GEOADD s XX CH 13.361389 38.2 Palermo 0 0 nowhere"), ":1\r\n");
  EXPECT_EQ(run("GEOADD edges 180 85.05112878 far -180 -85.05112878 near"), ":2\r\n");
  EXPECT_EQ(run("ZSCORE edges far"), bulk("13510798882111488"));
  EXPECT_EQ(run("ZSCORE edges near"), bulk("0"));
  EXPECT_EQ(run("GEOHASH edges far near"), array({"bp05b5048p0", "00bh0hbj200"}));
}

TEST_F(GeoTest, RefusesToAdd) {
  EXPECT_EQ(run("GEOADD s 200 100 x"),
            "-ERR invalid longitude,latitude pair 200.000000,100.000000\r\n");
  EXPECT_EQ(run("GEOADD s 1 1 a -inf 85.06 x"),
            "-ERR invalid longitude,latitude pair -inf,85.060000\r\n");
  EXPECT_EQ(run("GEOADD s x 1 a"), "-ERR value is not a valid float\r\n");
  EXPECT_EQ(run("GEOADD s 1 1 a 2"), kSyntaxReply);
  EXPECT_EQ(run("GEOADD s NX XX 1 1 a"), kSyntaxReply);
  EXPECT_EQ(run("GEOADD s NX CH CH"), kSyntaxReply);
  EXPECT_EQ(run("GEOADD s GT 1 1 a"), kSyntaxReply);
  EXPECT_EQ(run("ZCARD s"), ":2\r\n");
  run("SET text x");
  EXPECT_EQ(run("GEOADD text 1 1 a"), kWrongTypeReply);
  EXPECT_TRUE(log().empty());
}

TEST_F(GeoTest, SaysHowFar) {
  EXPECT_EQ(run("GEODIST s Palermo Catania"), bulk("166274.1516"));
  EXPECT_EQ(run("GEODIST s Palermo Catania KM"), bulk("166.2742"));
  EXPECT_EQ(run("GEODIST s Palermo Catania mi"), bulk("103.3182"));
  EXPECT_EQ(run("GEODIST s Catania Palermo ft"), bulk("545518.8700"));
  EXPECT_EQ(run("GEODIST s Palermo Palermo"), bulk("0.0000"));
  EXPECT_EQ(run("GEODIST s Palermo none"), "$-1\r\n");
  EXPECT_EQ(run("GEODIST none a b"), "$-1\r\n");
  EXPECT_EQ(run("GEODIST none a b yd"),
            "-ERR unsupported unit provided. please use M, KM, FT, MI\r\n");
  EXPECT_EQ(run("GEODIST s a b m x"), kSyntaxReply);
}

TEST_F(GeoTest, SaysWhere) {
  EXPECT_EQ(run("GEOHASH s Palermo none Catania"),
            "*3\r\n" + bulk("sqc8b49rny0") + "$-1\r\n" + bulk("sqdtr74hyu0"));
  EXPECT_EQ(run("GEOHASH none a"), "*1\r\n$-1\r\n");
  EXPECT_EQ(run("GEOHASH s"), "*0\r\n");
  EXPECT_EQ(run("GEOPOS s Palermo none"), "*2\r\n" + array({kPalermo, kPalermoNorth}) + "*-1\r\n");
  EXPECT_EQ(run("GEOPOS none a"), "*1\r\n*-1\r\n");
  run("SET text x");
  for (const std::string_view line : {"GEOPOS text a", "GEOHASH text a", "GEODIST text a b"}) {
    EXPECT_EQ(run(line), kWrongTypeReply);
  }
  harness.protocol = 3;
  EXPECT_EQ(run("GEOPOS s Palermo none"), "*2\r\n*2\r\n," + std::string(kPalermo) + "\r\n," +
                                              std::string(kPalermoNorth) + "\r\n_\r\n");
  EXPECT_EQ(run("GEODIST s Palermo Catania"), bulk("166274.1516"));
}

// Any score is some place's, also one that GEOADD would not make.
TEST_F(GeoTest, AnyScoreIsAPlace) {
  run("ZADD odd inf a -inf b -1 c 1e300 d 1.5 e 18446744073709549568 f");
  EXPECT_EQ(run("GEOHASH odd a b c d e f"), "*6\r\n" + bulk("00bh0hbj200") + bulk("00bh0hbj200") +
                                                bulk("bp05b5048p0") + bulk("00bh0hbj200") +
                                                bulk("00bh0hbj210") + bulk("bp05b5048p0"));
}

TEST_F(GeoTest, SearchesACircle) {
  EXPECT_EQ(run("GEORADIUS s 15 37 200 km"), array({"Palermo", "Catania"}));
  EXPECT_EQ(run("GEORADIUS s 15 37 200 km ASC"), array({"Catania", "Palermo"}));
  EXPECT_EQ(run("GEORADIUS s 15 37 200 km COUNT 1"), array({"Catania"}));
  EXPECT_EQ(run("GEORADIUS s 15 37 200 km DESC COUNT 1"), array({"Palermo"}));
  EXPECT_EQ(run("GEORADIUS s 15 37 200 km COUNT 1 ANY"), array({"Palermo"}));
  EXPECT_EQ(run("GEORADIUS_RO s 15 37 100 km"), array({"Catania"}));
  EXPECT_EQ(run("GEORADIUSBYMEMBER s Catania 170 km ASC"), array({"Catania", "Palermo"}));
  EXPECT_EQ(run("GEORADIUSBYMEMBER_RO s Catania 0 km"), array({"Catania"}));
  EXPECT_EQ(run("GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 200 km"), array({"Palermo", "Catania"}));
  EXPECT_EQ(run("GEOSEARCH s BYRADIUS inf km FROMMEMBER Catania ASC"),
            array({"Catania", "Palermo"}));
  EXPECT_EQ(run("GEOSEARCH none BYRADIUS 1 km FROMMEMBER x"), "*0\r\n");
  EXPECT_EQ(run("GEORADIUSBYMEMBER none x y z"), "*0\r\n");
}

TEST_F(GeoTest, SearchesABox) {
  run("GEOADD s 12.758489 38.788135 west 17.241510 38.788135 east");
  EXPECT_EQ(run("GEOSEARCH s FROMLONLAT 15 37 BYBOX 400 400 km ASC"),
            array({"Catania", "Palermo", "east", "west"}));
  EXPECT_EQ(run("GEOSEARCH s FROMLONLAT 15 37 BYBOX 300 400 km"), array({"Palermo", "Catania"}));
  EXPECT_EQ(run("GEOSEARCH s FROMLONLAT 15 37 BYBOX 400 100 km"), "*0\r\n");
}

TEST_F(GeoTest, TellsMoreOfWhatItFinds) {
  const std::string catania = "15.08726745843887329";
  const std::string north = "37.50266842333162032";
  EXPECT_EQ(run("GEORADIUS s 15 37 100 km WITHCOORD WITHHASH WITHDIST"),
            "*1\r\n*4\r\n" + bulk("Catania") + bulk("56.4413") + ":3479447370796909\r\n" +
                array({catania, north}));
  harness.protocol = 3;
  EXPECT_EQ(run("GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 100 km WITHCOORD"),
            "*1\r\n*2\r\n" + bulk("Catania") + "*2\r\n," + catania + "\r\n," + north + "\r\n");
}

TEST_F(GeoTest, LogsWhatItStored) {
  EXPECT_EQ(run("GEOSEARCHSTORE d s FROMLONLAT 15 37 BYRADIUS 200 km"), ":2\r\n");
  EXPECT_EQ(log(), Log{"0: ZADD d 3479099956230698 Palermo 3479447370796909 Catania"});
  run("EXPIRE d 100");
  EXPECT_EQ(run("GEORADIUS s 15 37 200 km COUNT 1 STOREDIST d"), ":1\r\n");
  ASSERT_EQ(log().size(), 2u);
  EXPECT_EQ(log()[0], "0: DEL d");
  EXPECT_EQ(log()[1].substr(0, 25), "0: ZADD d 56.441257870158");
  EXPECT_EQ(run("TTL d"), ":-1\r\n");
  EXPECT_EQ(run("GEOSEARCHSTORE d s FROMLONLAT 0 0 BYBOX 1 1 km STOREDIST"), ":0\r\n");
  EXPECT_EQ(log(), Log{"0: DEL d"});
  EXPECT_EQ(run("EXISTS d"), ":0\r\n");
  EXPECT_EQ(run("GEORADIUSBYMEMBER none x 1 km STORE d"), ":0\r\n");
  EXPECT_TRUE(log().empty());
  run("SET d text");
  EXPECT_EQ(run("GEORADIUSBYMEMBER none x 1 km STORE d"), ":0\r\n");
  EXPECT_EQ(log(), Log{"0: DEL d"});
  EXPECT_EQ(run("GEORADIUSBYMEMBER s Palermo 1 km STOREDIST x STORE s"), ":1\r\n");
  EXPECT_EQ(log(), (Log{"0: DEL s", "0: ZADD s 3479099956230698 Palermo"}));
}

TEST_F(GeoTest, RefusesToSearch) {
  const auto refuses = [&](std::string_view line, std::string_view message) {
    EXPECT_EQ(run(line), "-ERR " + std::string(message) + "\r\n") << line;
  };
  refuses("GEORADIUS s 15 37 x km", "need numeric radius");
  refuses("GEORADIUS s 15 37 -1 km", "radius cannot be negative");
  refuses("GEORADIUS s 15 37 1 x", "unsupported unit provided. please use M, KM, FT, MI");
  refuses("GEORADIUS none 181 37 1 km", "invalid longitude,latitude pair 181.000000,37.000000");
  refuses("GEORADIUS s 15 37 1 km ANY", "the ANY argument requires COUNT argument");
  refuses("GEORADIUS s 15 37 1 km COUNT 0", "COUNT must be > 0");
  refuses("GEORADIUS s 15 37 1 km COUNT x", "value is not an integer or out of range");
  refuses("GEORADIUS s 15 37 1 km STORE", "syntax error");
  refuses("GEORADIUS_RO s 15 37 1 km STORE d", "syntax error");
  refuses("GEORADIUS s 15 37 1 km STORE d WITHDIST",
          "STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD "
          "options");
  refuses("GEOSEARCHSTORE d s FROMMEMBER Palermo BYRADIUS 1 km WITHHASH",
          "GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options");
  refuses("GEORADIUSBYMEMBER s none 1 km", "could not decode requested zset member");
  refuses("GEOSEARCH s FROMMEMBER none BYRADIUS 1 km", "could not decode requested zset member");
  refuses("GEOSEARCH s BYRADIUS 1 km ASC DESC",
          "exactly one of FROMMEMBER or FROMLONLAT can be specified for GEOSEARCH");
  refuses("geosearch s FROMLONLAT 1 1 ASC ASC",
          "exactly one of BYRADIUS and BYBOX can be specified for geosearch");
  refuses("GEOSEARCH s FROMLONLAT 1 1 FROMMEMBER Palermo BYRADIUS 1 km", "syntax error");
  refuses("GEOSEARCH s FROMLONLAT 1 1 BYBOX 1 1 km BYRADIUS 1 km", "syntax error");
  refuses("GEOSEARCH s FROMLONLAT 1 1 BYBOX x 1 km", "need numeric width");
  refuses("GEOSEARCH s FROMLONLAT 1 1 BYBOX 1 x km", "need numeric height");
  refuses("GEOSEARCH s FROMLONLAT 1 1 BYBOX -1 1 km", "height or width cannot be negative");
  refuses("GEOSEARCH s FROMLONLAT 1 1 BYRADIUS 1 km STORE d", "syntax error");
  run("SET text x");
  EXPECT_EQ(run("GEORADIUS text a b c d"), kWrongTypeReply);
  EXPECT_EQ(run("GEOSEARCHSTORE d text a b c d e"), kWrongTypeReply);
}

TEST_F(GeoTest, ItsKeysAreNamed) {
  EXPECT_EQ(run("COMMAND GETKEYS GEORADIUS a 1 1 1 km STORE b STOREDIST c"), array({"a", "c"}));
  EXPECT_EQ(run("COMMAND GETKEYS GEORADIUSBYMEMBER a m 1 km"), array({"a"}));
  EXPECT_EQ(run("COMMAND GETKEYS GEOSEARCHSTORE a b c d e f g"), array({"a", "b"}));
  const auto told = bulks(run("COMMAND INFO GEORADIUS"));
  EXPECT_NE(std::find(told.begin(), told.end(), "keyword"), told.end());
  EXPECT_NE(std::find(told.begin(), told.end(), "STOREDIST"), told.end());
}

}  // namespace
}  // namespace powercut::engine
